// SPDX-License-Identifier: BSD-3-Clause
/** The command line as operators and scripts meet it: exit codes, messages, what goes to which stream. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import {
  Folder,
  MAIN,
  nemean,
  scanCapture,
  shell,
} from "../src/control/cli/testing/command-line.ts";
import { VERSION } from "../src/core/module.ts";

// Each test starts processes, on a machine that may be busy.
setDefaultTimeout(60_000);

const folder = new Folder();
afterAll(() => folder.remove());
const scan = folder.file("scan.pcap", scanCapture(60));
const cut = folder.file("cut.pcap", scanCapture(60).subarray(0, 1000));
const empty = folder.file("empty.pcap", "");
const text = folder.file("text.pcap", "no capture at all, only text");
/** What of the scan is a flow: its header line and 60 records. */
const FLOW_LINES = 61;

const lines = (output: string): string[] => output.split("\n").filter((line) => line !== "");

describe("nemean", () => {
  test("nemean without arguments prints its help", () => {
    const { code, out } = nemean([]);
    expect(code).toBe(0);
    for (const command of ["meter", "replay", "run", "demo", "up", "modules", "new", "doctor"])
      expect(out).toMatch(new RegExp(`^ {2}${command} `, "m"));
  });

  test("nemean -V prints the version", () => {
    expect(nemean(["-V"])).toEqual({ code: 0, out: `${VERSION}\n`, err: "" });
  });

  test("nemean names the commands there are when one is unknown", () => {
    const { code, err } = nemean(["mter"]);
    expect(code).toBe(64);
    expect(lines(err)).toHaveLength(1);
    expect(err).toContain("unknown command 'mter'");
    expect(err).toContain("there are meter, replay, run");
  });
});

/** Inputs that are no captures: what the message says beside the path, and the exit code. */
const UNUSABLE: readonly [string, string, RegExp, number][] = [
  ["a file that is not there", folder.at("none.pcap"), /no such file/, 66],
  ["a folder", folder.path, /is a directory/, 66],
  ["an empty file", empty, /it is empty/, 65],
  ["text", text, /not a capture file \(it starts with 6e 6f/, 65],
];

describe("captures", () => {
  test.each(UNUSABLE)("meter refuses %s in one line that names it", (_, path, what, code) => {
    const ended = nemean(["meter", "-r", path]);
    expect(ended.code).toBe(code);
    expect(lines(ended.err)).toHaveLength(1);
    expect(ended.err).toContain(path);
    expect(ended.err).toMatch(what);
  });

  test("meter keeps the flows of a truncated file and warns with file and offset", () => {
    const { code, out, err } = nemean(["meter", "-r", cut, "--csv", "-"]);
    expect(code).toBe(0);
    expect(lines(out)).toHaveLength(1 + Math.floor((1000 - 24) / 70));
    expect(err).toContain(`warning: ${cut}: truncated in the record at byte 934`);
  });

  test.each([
    ["a bad one", text, 65],
    ["a missing one", folder.at("none.pcap"), 66],
  ])("meter keeps the flows of a file before %s", (_, path, code) => {
    const ended = nemean(["meter", "-r", scan, "-r", path, "--csv", "-"]);
    expect(ended.code).toBe(code);
    expect(lines(ended.out)).toHaveLength(FLOW_LINES);
    expect(ended.err).toContain(path);
  });

  test("meter reads standard input and writes what it counted as JSON", () => {
    const { code, out } = nemean(["meter", "-r", "-", "--stats", "json"], readFileSync(scan));
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ packets: 60, flows: 60, evicted: 0 });
  });

  test("meter -i b: meters, encodes and writes no data", () => {
    const { code, out, err } = nemean(["meter", "-r", scan, "-i", "b:"]);
    expect([code, out]).toEqual([0, ""]);
    expect(err).toContain("60 packets, 0 of them not in flows");
  });
});

describe("replay", () => {
  test("replay on a pipe writes alerts as JSON Lines and the summary to standard error", () => {
    const { code, out, err } = nemean(["replay", scan]);
    expect(code).toBe(0);
    const alerts = lines(out).map((line) => JSON.parse(line));
    expect(alerts.map(({ detector, observed }) => [detector, observed])).toEqual([
      ["vportscan", 50],
      ["vportscan", 60],
    ]);
    expect(err).toContain("1 event:");
  });

  const terminal = Bun.which("script") === null ? " (skipped: no script(1))" : "";
  test.skipIf(terminal !== "")(
    `replay on a terminal writes readable alerts in color, with --json still JSON${terminal}`,
    () => {
      const onTerminal = (args: string): string =>
        shell(`script -qec "'${process.execPath}' '${MAIN}' replay '${scan}' ${args}" /dev/null`)
          .out;
      const readable = onTerminal("");
      expect(readable).toContain("\u001b[33mMEDIUM");
      expect(readable).toContain("10.0.0.1 -> 10.0.0.2");
      expect(readable).not.toContain('{"id"');
      expect(onTerminal("--json")).toContain('{"id"');
    },
  );

  test("replay takes modules, their parameters and rounds, and writes all flows", () => {
    const flows = folder.at("flows.csv");
    const options = ["--modules", "vportscan", "--set", "vportscan.portsMax=20", "--loop", "2"];
    const { code, out, err } = nemean(["replay", scan, ...options, "--flows", flows]);
    expect(code).toBe(0);
    expect(JSON.parse(lines(out)[0]!).threshold).toBe(20);
    const written = lines(readFileSync(flows, "utf8"));
    expect(written).toHaveLength(FLOW_LINES);
    for (const field of ["TLS_SNI", "DNS_NAME", "HTTP_REQUEST_HOST"])
      expect(written[0]).toContain(`string ${field}`);
    expect(err).toContain("120 packets, 60 flows");
    expect(err).toContain("vportscan: 60 flow records");
    expect(err).not.toContain("haddrscan");
  });

  test("replay -p none writes flows with their basic fields", () => {
    const flows = folder.at("basic.csv");
    expect(nemean(["replay", scan, "-p", "none", "--flows", flows]).code).toBe(0);
    expect(readFileSync(flows, "utf8")).not.toContain("TLS_SNI");
  });

  test("replay --compat nemea raises one alert of the original's", () => {
    const { out } = nemean(["replay", scan, "--compat", "nemea"]);
    expect(lines(out)).toHaveLength(1);
  });

  test("replay stopped by SIGINT exports the flows it has and ends well", async () => {
    const flows = folder.at("stopped.csv");
    const child = Bun.spawn(
      [process.execPath, MAIN, "replay", scan, "--loop", "1000000", "--flows", flows],
      { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
    while (!existsSync(flows) || readFileSync(flows).length < 100_000) await Bun.sleep(20);
    child.kill("SIGINT");
    const err = await new Response(child.stderr).text();
    expect(await child.exited).toBe(0);
    const flowsSaid = Number(/packets, ([\d,]+) flows/.exec(err)![1]!.replaceAll(",", ""));
    expect(lines(readFileSync(flows, "utf8"))).toHaveLength(1 + flowsSaid);
  });
});

/** Wrong command lines, and what the one line on standard error must name. */
const WRONG: readonly [string, RegExp][] = [
  ["meter", /-r FILE or -I INTERFACE/],
  ["meter --bogus", /'--bogus'; meter takes --read, --interface, --csv/],
  ["meter -r FILE --key x", /--key <key>.*5tuple\+vlan, 5tuple/],
  ["meter -r FILE --active 0", /--active <seconds>.*from 1 to 2000/],
  ["meter -r FILE --stats xml", /--stats <format>.*json/],
  ["meter -r FILE -i q:1", /interface "q:1": no output of type "q"; there are u, t, T, f, b/],
  ["meter -r FILE --filter foo(", /--filter: "foo\("/],
  ["meter -r FILE extra", /extra/],
  ["meter -r FILE -p (tls),sip -i u:a", /-p has 2 groups and -i 1 outputs: give one for each/],
  ["meter -r FILE -p (tls),sip --csv -", /--csv writes one layout/],
  ["replay FILE -p (tls),sip", /leave the parentheses of -p out/],
  ["meter -r - -r -", /"-" \(standard input\) is given twice/],
  ["meter -r FILE --csv - --stats json", /--csv - and --stats both write to standard output/],
  ["replay", /'file'/],
  ["replay FILE --flows -", /--flows - and alerts both write to standard output/],
  ["replay FILE --compat x", /--compat <original>.*nemea/],
  ["replay FILE --loop 0", /--loop <rounds>.*from 1 to 1000000/],
  ["replay FILE --modules nix", /--modules: no module "nix"; there are .*vportscan/],
  ["replay FILE --modules vportscan,vportscan_detector", /--modules: vportscan is given twice/],
  ["replay FILE --set vportscan.portsMax=1", /--set vportscan.portsMax: .*from 2 to 1024, got "1"/],
  ["run nix", /no module "nix"/],
  ["run haddrscan -i u:x", /-i "u:x": 1 interfaces, expected 1 input and 1 output/],
  ["run haddrscan -n", /-n: a value is missing/],
  ["help nix", /no module "nix"; there are/],
  ["new thing x", /detector, module/],
  ["up --data FOLDER", /give -I INTERFACE, or --config FILE, or apply a configuration/],
  ["up -I x --config y", /give -I or --config/],
  ["config rollback x --data FOLDER", /revision "x": expected a number/],
  ["config show 7 --data FOLDER", /no revision 7: none was applied yet/],
  ["demo --port 99999 --once", /--port <port>.*from 0 to 65535/],
];

test.each(WRONG)(
  "nemean %s is one line that names what is wrong, and exit code 64",
  (args, what) => {
    const { code, out, err } = nemean(
      args.replace("FILE", scan).replace("FOLDER", folder.at("data")).split(" "),
    );
    expect([code, out]).toEqual([64, ""]);
    expect(lines(err)).toHaveLength(1);
    expect(err).toMatch(what);
  },
);

describe("outputs", () => {
  test.each([
    ["meter", `nemean meter -r ${scan} --csv - 2>&1 >/dev/full`, 74],
    ["modules", "nemean modules 2>&1 >/dev/full", 74],
    ["meter", `nemean meter -r ${scan} --csv ${folder.at("none/x.csv")} 2>&1`, 73],
  ])("%s says in one line that its output cannot be written: %#", (_, command, code) => {
    const ended = shell(command);
    expect(ended.code).toBe(code);
    expect(lines(ended.out)).toHaveLength(1);
    expect(ended.out).toContain("cannot write");
  });

  test.each([
    ["meter", `nemean meter -r ${scan} -r ${scan} --csv -`],
    ["replay", `nemean replay ${scan} --loop 2000`],
    ["run", `nemean meter -r ${scan} --csv - 2>/dev/null | nemean run vportscan --ports-max 2`],
    ["modules", "nemean modules --json"],
  ])("%s ends quietly when the reader of its output has gone", (_, command) => {
    const { code, err } = shell(`${command} | true`);
    expect(code).toBe(0);
    expect(err).not.toContain("nemean:");
  });

  test("demo leaves no folder behind when its reader goes away", () => {
    const demos = (): string[] =>
      readdirSync(tmpdir()).filter((name) => /^nemean-demo-/.test(name));
    const before = demos();
    expect(shell("nemean demo --once --port 0 --scale 0.1 | true").code).toBe(0);
    expect(demos().filter((name) => !before.includes(name))).toEqual([]);
  });

  test("a hostile file name never moves the cursor", () => {
    const { code, err } = nemean([
      "replay",
      scan,
      folder.at("\u001b]0;owned\u0007\u009b31m\u202e.pcap"),
    ]);
    expect(code).toBe(66);
    expect(err.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(err).toContain("\\x1b]0;owned\\x07\\x9b31m\\x202e.pcap");
  });
});

describe("config", () => {
  const data = folder.at("config-data");
  const file = (name: string, text: string): string => {
    const path = folder.at(name);
    writeFileSync(path, `[[sources]]\ninterface = "lo"\n${text}`);
    return path;
  };

  test("config check says all that is wrong with a file, a line each, and exit code 78", () => {
    const path = file("wrong.toml", "[meter]\nidel = 1\nactive = 0\n");
    const { code, out, err } = nemean(["config", "check", path]);
    expect([code, out]).toEqual([78, ""]);
    expect(lines(err)).toHaveLength(2);
    expect(err).toContain(`${path}:4:1: [meter] has no "idel"; did you mean idle?`);
    expect(err).toContain(`${path}:5:1: meter.active: expected seconds from 1 to 2000, got 0`);
  });

  test("config apply, diff and rollback put configurations in force and take them back", () => {
    const first = file("first.toml", "");
    const second = file("second.toml", "[meter]\nidle = 60\n");
    const config = (...args: string[]) => nemean(["config", ...args, "--data", data]);
    expect(config("apply", first).err).toContain("revision 1 is in force");
    expect(config("diff", second).out).toBe("meter.idle: 30 -> 60\n");
    expect(config("apply", second).err).toContain("revision 2 is in force");
    expect(config("rollback").err).toContain("revision 3 is in force (rollback to 1)");
    expect(config("show").out).toBe(readFileSync(first, "utf8"));
    expect(lines(config("list").out).map((line) => line.split("  ")[0])).toEqual(["3", "2", "1"]);
  });

  test("config schema is a JSON Schema", () => {
    const { code, out } = nemean(["config", "schema"]);
    expect(code).toBe(0);
    expect(JSON.parse(out).$schema).toContain("json-schema.org");
  });
});
