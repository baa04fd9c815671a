// SPDX-License-Identifier: BSD-3-Clause
/** The unit files of systemd/: what they promise, by systemd's own tools where they are there. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { unitOf } from "../src/control/supervise/systemd-unit.ts";

const UNITS = join(import.meta.dir, "../systemd");
const MAIN = join(import.meta.dir, "../src/main.ts");
const SANDBOX = "nemean-.service.d/10-sandbox.conf";
const SERVICES = readdirSync(UNITS).filter((name) => name.endsWith(".service"));
const CONTROL = "nemean-control.service";
const CAPTURE = "nemean-capture@.service";
const COLLECTOR = "nemean-collector@.service";
const EXPORTER = "nemean-exporter@.service";
/** What control starts and ends. */
const WORKERS = SERVICES.filter((name) => name !== CONTROL);
const CAGED = WORKERS.filter((name) => name !== CAPTURE && name !== COLLECTOR && name !== EXPORTER);

const HAS_ANALYZE = Bun.which("systemd-analyze") !== null;
const HAS_SYSUSERS = Bun.which("systemd-sysusers") !== null;
const unless = (there: boolean, program: string): string => (there ? "" : ` (no ${program} here)`);

/** Settings of files, as systemd reads them: a later one is added to those before. */
function settings(...names: string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) {
    for (const line of readFileSync(join(UNITS, name), "utf8").split("\n")) {
      const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
      if (key !== undefined) found.set(key, [...(found.get(key) ?? []), value!]);
    }
  }
  return found;
}

const serviceOf = (name: string): Map<string, string[]> => settings(name, SANDBOX);
const words = (from: Map<string, string[]>, key: string): string[] =>
  (from.get(key) ?? []).flatMap((value) => value.split(" "));

/** Units as they are, but for a program that is there. */
const folder = mkdtempSync(join(tmpdir(), "units-"));
cpSync(UNITS, folder, { recursive: true });
for (const name of SERVICES) {
  const text = readFileSync(join(UNITS, name), "utf8");
  writeFileSync(join(folder, name), text.replace("/usr/bin/nemean", process.execPath));
}
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a unit", () => {
  test("is there for each kind of process, with the name that the supervisor gives it", () => {
    const names = [
      "control",
      "capture@",
      "collector@",
      "exporter@",
      "detectors",
      "detector@",
      "module@",
      "command@",
    ];
    expect([CONTROL, ...WORKERS].toSorted()).toEqual(
      names.map((name) => `nemean-${name}.service`).toSorted(),
    );
    for (const name of names) {
      const own = name.endsWith("@") ? `${name}a-b.1` : name;
      expect(unitOf(own)?.replace("a-b.1", "")).toBe(`nemean-${name}.service`);
    }
  });

  test.each(WORKERS)("%s runs the process of its name, and is started again by nobody", (name) => {
    const unit = serviceOf(name);
    const own = name.slice("nemean-".length, -".service".length).replace("@", "@%i");
    expect(unit.get("ExecStart")).toEqual([`/usr/bin/nemean process ${own}`]);
    expect(unit.get("Restart")).toEqual(["no"]);
    // The supervisor's back-off decides, so systemd must not count.
    expect(unit.get("StartLimitIntervalSec")).toEqual(["0"]);
  });

  test("of control is started again, but not with a configuration that is wrong", () => {
    const unit = serviceOf(CONTROL);
    expect(unit.get("ExecStart")).toEqual(["/usr/bin/nemean up --supervisor systemd"]);
    expect(unit.get("Restart")).toEqual(["always"]);
    expect(words(unit, "RestartPreventExitStatus")).toEqual(["64", "78"]);
  });

  test.each(SERVICES)("%s is started with options that the program has", (name) => {
    const [, ...args] = serviceOf(name).get("ExecStart")![0]!.split(" ");
    const { exitCode } = Bun.spawnSync([process.execPath, MAIN, ...args, "--help"]);
    expect(exitCode).toBe(0);
  });

  test.each(SERVICES)(
    "%s says when it is ready and that it lives, if it is one of ours under control",
    (name) => {
      const unit = serviceOf(name);
      const isUnder = name !== "nemean-command@.service";
      expect(unit.get("Type")).toEqual([isUnder ? "notify" : "exec"]);
      expect(unit.get("WatchdogSec")).toEqual(isUnder ? ["10"] : undefined);
    },
  );

  test.each(SERVICES)("%s has its limits, and its place in the whole", (name) => {
    const unit = serviceOf(name);
    for (const key of ["MemoryMax", "TasksMax", "TimeoutStartSec", "TimeoutStopSec"])
      expect(unit.get(key)).toHaveLength(1);
    expect(unit.get("Slice")).toEqual(["nemean.slice"]);
    expect(unit.get("PartOf")).toEqual(["nemean.target"]);
  });

  test.each(WORKERS)("%s does not wait for control, which may wait for it", (name) => {
    const unit = serviceOf(name);
    for (const key of ["After", "Requires", "Wants", "BindsTo"])
      expect(words(unit, key)).not.toContain(CONTROL);
  });

  test.each(SERVICES)("%s is nobody's with power", (name) => {
    const unit = serviceOf(name);
    expect(unit.get("User")).toEqual(["nemean"]);
    expect(unit.get("NoNewPrivileges")).toEqual(["yes"]);
    expect(unit.get("ProtectSystem")).toEqual(["strict"]);
    const capabilities = name === CAPTURE ? ["CAP_NET_RAW"] : [""];
    expect(unit.get("CapabilityBoundingSet")).toEqual(capabilities);
    expect(unit.get("AmbientCapabilities")).toEqual(capabilities);
    // Bun compiles while it runs.
    expect(unit.has("MemoryDenyWriteExecute")).toBe(false);
  });

  test.each(CAGED)("%s has no network", (name) => {
    const unit = serviceOf(name);
    expect(unit.get("PrivateNetwork")).toEqual(["yes"]);
    expect(unit.get("RestrictAddressFamilies")).toEqual(["AF_UNIX"]);
  });

  test.each(WORKERS)(
    "%s can reach neither D-Bus, which would end others, nor the API's key",
    (name) => {
      const hidden = words(serviceOf(name), "InaccessiblePaths");
      expect(hidden).toEqual(["-/run/dbus", "-/var/lib/nemean/tls"]);
    },
  );

  test("has the lines of all in the journal under its name, role and instance", () => {
    const common = settings(SANDBOX);
    expect(common.get("SyslogIdentifier")).toEqual(["%N"]);
    expect(common.get("LogExtraFields")).toEqual(["NEMEAN_ROLE=%j", "NEMEAN_INSTANCE=%i"]);
  });

  test("is no different from others in what all of them have", () => {
    const common = settings(SANDBOX);
    common.delete("ReadWritePaths");
    for (const name of SERVICES)
      for (const key of settings(name).keys()) expect(common.has(key)).toBe(false);
  });

  test("finds the folders that it may write, made before", () => {
    const made = readFileSync(join(UNITS, "nemean.tmpfiles"), "utf8");
    const writable = new Set(SERVICES.flatMap((name) => words(serviceOf(name), "ReadWritePaths")));
    expect([...writable].toSorted()).toEqual(["-/run/libtrap", "-/var/lib/nemean/state"]);
    for (const path of writable)
      expect(made).toMatch(new RegExp(`^d ${path.slice(1)} .* nemean nemean `, "m"));
  });
});

describe(`systemd-analyze${unless(HAS_ANALYZE, "systemd-analyze")}`, () => {
  const analyze = (...args: string[]) =>
    Bun.spawnSync(["systemd-analyze", "--no-pager", ...args], { cwd: folder, timeout: 60_000 });

  test.skipIf(!HAS_ANALYZE)(
    "verify finds nothing to say of any unit",
    () => {
      const others = ["nemean.target", "nemean.slice"];
      const { stdout, stderr, exitCode } = analyze("verify", "--man=no", ...SERVICES, ...others);
      // Of units of the machine it may complain; of ours not.
      const ours = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("nemean"));
      expect(ours).toEqual([]);
      expect(exitCode).toBe(0);
    },
    60_000,
  );

  test.skipIf(!HAS_ANALYZE).each(SERVICES.map((name) => [name, CAGED.includes(name) ? 5 : 15]))(
    "security holds %s to an exposure of %i tenths",
    (name, tenths) => {
      const limits = ["--offline=true", `--threshold=${tenths}`];
      const { stdout, exitCode } = analyze("security", ...limits, name as string);
      expect(stdout.toString()).toContain("Overall exposure level");
      expect(exitCode).toBe(0);
    },
    60_000,
  );

  test.skipIf(!HAS_ANALYZE)("security would notice a unit without its sandbox", () => {
    const bare = join(folder, "bare");
    mkdirSync(bare);
    cpSync(join(folder, CONTROL), join(bare, CONTROL));
    const { exitCode } = analyze(
      "security",
      "--offline=true",
      "--threshold=15",
      join(bare, CONTROL),
    );
    expect(exitCode).not.toBe(0);
  });
});

test.skipIf(!HAS_SYSUSERS)(
  `systemd-sysusers makes the user that the units run as${unless(HAS_SYSUSERS, "systemd-sysusers")}`,
  () => {
    const root = mkdtempSync(join(tmpdir(), "sysusers-"));
    try {
      mkdirSync(join(root, "etc"));
      const file = join(UNITS, "nemean.sysusers");
      const { exitCode, stderr } = Bun.spawnSync(["systemd-sysusers", `--root=${root}`, file]);
      expect([exitCode, stderr.toString()]).toEqual([0, expect.not.stringContaining("rror")]);
      const passwd = readFileSync(join(root, "etc/passwd"), "utf8");
      expect(passwd).toMatch(/^nemean:.*:\/var\/lib\/nemean:\/usr\/sbin\/nologin$/m);
    } finally {
      rmSync(root, { recursive: true });
    }
  },
);

describe("the rule of polkit", () => {
  const MANAGE = "org.freedesktop.systemd1.manage-units";
  const Result = { YES: "yes", NO: "no", NOT_HANDLED: null } as const;
  type Action = { id: string; lookup: (key: string) => string | undefined };
  type Rule = (action: Action, subject: { user: string }) => unknown;
  const rules: Rule[] = [];
  runInNewContext(readFileSync(join(UNITS, "nemean.rules"), "utf8"), {
    polkit: { Result, addRule: (rule: Rule) => rules.push(rule) },
  });

  const decide = (unit?: string, verb?: string, user = "nemean", id = MANAGE): unknown => {
    const details: Record<string, string | undefined> = { unit, verb };
    return rules[0]!({ id, lookup: (key) => details[key] }, { user });
  };

  test("is one", () => {
    expect(rules).toHaveLength(1);
  });

  test.each(["start", "stop", "restart", "kill"])("lets the control plane %s its units", (verb) => {
    for (const name of ["control", "detectors", "capture@eth0", "module@a-b.c_d", "command@x"])
      expect(decide(unitOf(name), verb)).toBe(Result.YES);
  });

  test.each([
    ["another's unit", "ssh.service", "stop"],
    ["a unit whose name only ends so", "x-nemean-control.service", "stop"],
    ["a unit whose name only begins so", "nemean-x.service\nssh.service", "stop"],
    ["a unit that is no service", "nemean-x.mount", "start"],
    ["a unit with a path in its name", "nemean-x@..\\x2f.service", "start"],
    ["properties", "nemean-control.service", "set-property"],
    ["another verb", "nemean-control.service", "reset-failed"],
    ["a verb of an object", "nemean-control.service", "constructor"],
    ["no verb", "nemean-control.service", undefined],
    ["no unit, as for transient ones", undefined, "start"],
    ["nothing", undefined, undefined],
  ])("says nothing to %s", (_, unit, verb) => {
    expect(decide(unit, verb)).toBe(Result.NOT_HANDLED);
  });

  test.each(["root", "nobody", "nemean2", "", "Nemean"])("says nothing to the user %j", (user) => {
    expect(decide("nemean-control.service", "start", user)).toBe(Result.NOT_HANDLED);
  });

  test("says nothing to other actions", () => {
    for (const id of [
      "org.freedesktop.systemd1.manage-unit-files",
      "org.freedesktop.login1.reboot",
    ])
      expect(decide("nemean-control.service", "start", "nemean", id)).toBe(Result.NOT_HANDLED);
  });
});
