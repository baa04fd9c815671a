// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closingLine, tally } from "../scripts/test.ts";

const ROOT = join(import.meta.dir, "..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const manifest = JSON.parse(read("package.json"));
const VERSION = read(".bun-version").trim();

describe("README's commands", () => {
  test("package.json has what README says", () => {
    const commands = [...read("README.md").matchAll(/^ {4}npm (?:run )?(\w+)/gm)].map((m) => m[1]!);
    expect(commands.slice(0, 2)).toEqual(["demo", "test"]);
    for (const name of commands) expect(manifest.scripts).toHaveProperty(name);
  });

  test("CI runs README's test command", () => {
    expect(read("README.md")).toMatch(/^ {4}npm test$/m);
    expect(read(".ci/run")).toMatch(/^ *npm test </m);
  });

  test.each(Object.entries<string>(manifest.scripts))(
    "%s starts a file by the pinned Bun",
    (_, line) => {
      const file = /^sh scripts\/setup\.sh run (\S+\.ts)( .*)?$/.exec(line)?.[1];
      expect(existsSync(join(ROOT, file ?? "missing"))).toBe(true);
    },
  );

  test("the pinned Bun is the one whose types are checked and which runs this", () => {
    expect(manifest.devDependencies["bun-types"]).toBe(VERSION);
    expect(Bun.version).toBe(VERSION);
  });
});

describe("closing line", () => {
  test("tally reads the summary of a run", () => {
    const output = "(pass) a\n\n 12 pass\n 1 skip\n 2 todo\n 3 fail\n 40 expect() calls\n";
    expect(closingLine(tally(output, 1))).toBe("12 passed, 3 failed, 3 skipped");
  });

  test("tally counts a file that does not load as a failure", () => {
    expect(closingLine(tally(" 2 pass\n 0 fail\n 1 error\n", 1))).toBe("2 passed, 1 failed");
  });

  test("tally reports a failure that the runner did not explain", () => {
    expect(closingLine(tally("killed", 137))).toBe("0 passed, 1 failed");
  });

  test("tally reads through colours and takes the last summary", () => {
    const output = " 9 pass\n 9 fail\n\u001b[32m 1 pass\u001b[0m\n\u001b[2m 0 fail\u001b[0m\n";
    expect(closingLine(tally(output, 0))).toBe("1 passed, 0 failed");
  });
});

const sandboxes: string[] = [];
afterAll(() => {
  for (const folder of sandboxes) rmSync(folder, { recursive: true });
});

/** What the set-up script may use; no npm, no Bun, no package manager. */
const TOOLS = "sh cat chmod cksum dirname env grep id mkdir mv rm sleep uname".split(" ");
/** A list of the dynamic loader with and without libpcap. */
const WITH_LIBPCAP = 'echo "libpcap.so.0.8 (libc6,x86-64) => /lib/libpcap.so.0.8"';
const WITHOUT_LIBPCAP = 'echo "libc.so.6 (libc6,x86-64) => /lib/libc.so.6"';

const MANIFEST = `{
  "name": "two",
  "workspaces": ["packages/*"],
  "dependencies": { "one": "workspace:*" }
}`;
const LOCK = `{
  "lockfileVersion": 1,
  "workspaces": {
    "": { "name": "two", "dependencies": { "one": "workspace:*" } },
    "packages/one": { "name": "one", "version": "1.0.0" },
  },
  "packages": {
    "one": ["one@workspace:packages/one"],
  },
}`;

/** A project without dependencies of others in a folder with a space, on a machine that has only `programs`. */
class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), "nemean setup "));
  readonly bin = join(this.folder, "bin");
  readonly root = join(this.folder, "the project");

  constructor(programs: Record<string, string> = {}) {
    sandboxes.push(this.folder);
    mkdirSync(this.bin);
    mkdirSync(join(this.root, "scripts"), { recursive: true });
    mkdirSync(join(this.root, "packages/one"), { recursive: true });
    cpSync(join(ROOT, "scripts/setup.sh"), join(this.root, "scripts/setup.sh"));
    this.write(".bun-version", `${VERSION}\n`);
    this.write("package.json", MANIFEST);
    this.write("packages/one/package.json", '{ "name": "one", "version": "1.0.0" }');
    this.write("print.ts", "console.log(JSON.stringify(process.argv.slice(2)));");
    this.write("fail.ts", "process.exit(42);");
    this.write("bun.lock", LOCK);
    for (const tool of TOOLS) symlinkSync(Bun.which(tool)!, join(this.bin, tool));
    this.program("ldconfig", WITH_LIBPCAP);
    for (const [name, text] of Object.entries(programs)) this.program(name, text);
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.root, path), text);
  }

  /** Put a program, or another in its place, on the machine. */
  program(name: string, text: string): void {
    const path = join(this.bin, name);
    rmSync(path, { force: true });
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
  }

  /** Lines that a program wrote to `log` in the machine's folder. */
  log(): string[] {
    const path = join(this.folder, "log");
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }

  async run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const child = Bun.spawn([join(this.bin, "sh"), "scripts/setup.sh", ...args], {
      cwd: this.root,
      // Bun keeps its cache under HOME.
      env: {
        PATH: this.bin,
        HOME: this.folder,
        LOG: join(this.folder, "log"),
        BUN: process.execPath,
      },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, out, err };
  }
}

const PINNED_BUN = 'exec "$BUN" "$@"';
const OTHER_BUN_VERSION = "1.0.0";
/** Leaves what an installer leaves whose scripts are refused: programs by platform, one fits. */
const unpack = (stage: string): string => `
mkdir -p "${stage}/node_modules/@oven/bun-linux-aarch64/bin" "${stage}/node_modules/@oven/bun-linux-x64/bin"
printf '#!/bin/sh\\nexit 126\\n' >"${stage}/node_modules/@oven/bun-linux-aarch64/bin/bun"
printf '#!/bin/sh\\nexec "$BUN" "$@"\\n' >"${stage}/node_modules/@oven/bun-linux-x64/bin/bun"
chmod +x "${stage}"/node_modules/@oven/*/bin/bun`;
const NPM = `echo "npm $*" >>"$LOG"\n${unpack("$3")}`;
const OTHER_BUN = `
if [ "$1" = --version ]; then echo ${OTHER_BUN_VERSION}; exit; fi
echo "bun $*" >>"$LOG"
${unpack("$3")}`;

describe("setup.sh", () => {
  test("setup.sh installs once and is silent from then on", async () => {
    const machine = new Sandbox({ bun: PINNED_BUN });
    const first = await machine.run();
    expect(first).toEqual({ code: 0, out: "", err: "nemean setup: installing packages\n" });
    expect(existsSync(join(machine.root, "node_modules/one"))).toBe(true);
    expect(await machine.run()).toEqual({ code: 0, out: "", err: "" });
  });

  test("setup.sh installs again when a manifest has changed", async () => {
    const machine = new Sandbox({ bun: PINNED_BUN });
    await machine.run();
    machine.write(
      "packages/one/package.json",
      '{ "name": "one", "version": "1.0.0", "private": true }',
    );
    expect((await machine.run()).err).toBe("nemean setup: installing packages\n");
  });

  test("setup.sh shows why the packages could not be installed", async () => {
    const machine = new Sandbox({ bun: PINNED_BUN });
    machine.write("package.json", MANIFEST.replace('"one"', '"three"'));
    const { code, err } = await machine.run();
    expect(code).toBe(71);
    expect(err).toContain('"three" not found');
    expect(err).toContain("bun install failed");
  });

  test("setup.sh run hands over arguments, output and exit code", async () => {
    const machine = new Sandbox({ bun: PINNED_BUN });
    const printed = await machine.run("run", "print.ts", "--once", "two words", "");
    expect(printed.out).toBe('["--once","two words",""]\n');
    expect((await machine.run("run", "fail.ts")).code).toBe(42);
  });

  test("setup.sh gets the pinned Bun by npm without running install scripts", async () => {
    const machine = new Sandbox({ npm: NPM });
    expect((await machine.run("run", "print.ts")).out).toBe("[]\n");
    const calls = machine.log();
    expect(calls).toHaveLength(1);
    expect(calls[0]).toContain("--ignore-scripts");
    expect(calls[0]).toEndWith(` bun@${VERSION}`);
    expect(await machine.run("run", "print.ts")).toEqual({ code: 0, out: "[]\n", err: "" });
    expect(machine.log()).toEqual(calls);
  });

  test("setup.sh gets the pinned Bun by another Bun where npm is missing", async () => {
    const machine = new Sandbox({ bun: OTHER_BUN });
    expect((await machine.run("run", "print.ts")).out).toBe("[]\n");
    expect(machine.log().join()).toMatch(new RegExp(`^bun add .* bun@${VERSION}$`));
  });

  test("setup.sh says in one line that it can get no Bun", async () => {
    const { code, err } = await new Sandbox().run();
    expect(code).toBe(71);
    expect(err.trimEnd().split("\n").at(-1)).toContain(`Bun ${VERSION} is needed`);
  });

  test("setup.sh shows npm's own words when npm fails", async () => {
    const machine = new Sandbox({ npm: "echo no network >&2; exit 1" });
    const { code, err } = await machine.run();
    expect(code).toBe(71);
    expect(err).toContain("no network\n");
    expect(existsSync(join(machine.root, ".cache/setup.lock"))).toBe(false);
  });

  test("setup.sh runs once at a time", async () => {
    const machine = new Sandbox({ npm: `sleep 0.3\n${NPM}` });
    const runs = await Promise.all([
      machine.run("run", "print.ts"),
      machine.run("run", "print.ts"),
    ]);
    expect(runs.map(({ code, out }) => [code, out])).toEqual([
      [0, "[]\n"],
      [0, "[]\n"],
    ]);
    expect(machine.log()).toHaveLength(1);
  });

  test("setup.sh takes over the lock of a set-up that was killed", async () => {
    const machine = new Sandbox({ bun: PINNED_BUN });
    const gone = Bun.spawnSync(["true"]).pid;
    mkdirSync(join(machine.root, ".cache/setup.lock"), { recursive: true });
    machine.write(".cache/setup.lock/pid", `${gone}\n`);
    expect((await machine.run()).code).toBe(0);
  });

  test("setup.sh names the cure for a missing libpcap and goes on", async () => {
    const machine = new Sandbox({ bun: PINNED_BUN, id: "echo 1000", ldconfig: WITHOUT_LIBPCAP });
    const { code, out, err } = await machine.run("run", "print.ts");
    expect([code, out]).toEqual([0, "[]\n"]);
    expect(err.split("\n").filter((line) => line.includes("libpcap"))).toHaveLength(1);
    expect(err).toContain("apt-get install libpcap0.8");
  });

  test.each([
    ["libpcap0.8", "exit 100"],
    ["libpcap0.8t64", "exit 0"],
  ])("setup.sh installs %s by apt as root, trying once", async (name, aptCache) => {
    const machine = new Sandbox({
      bun: PINNED_BUN,
      id: "echo 0",
      ldconfig: WITHOUT_LIBPCAP,
      "apt-cache": aptCache,
      "apt-get": 'echo "$*" >>"$LOG"\ncase "$*" in *install*) exit 100 ;; esac',
    });
    expect((await machine.run("run", "print.ts")).err).toContain("libpcap is missing");
    const calls = machine.log();
    expect(calls.map((call) => call.split(" -y ").at(-1))).toEqual([
      "update",
      `install --no-install-recommends ${name}`,
    ]);
    await machine.run("run", "print.ts");
    expect(machine.log()).toEqual(calls);
    // Asked for by name, it tries again, and is content when the library is there at last.
    machine.program("apt-get", `echo "libpcap.so.0.8" >>"$LOG"`);
    machine.program("ldconfig", 'cat "$LOG"');
    expect((await machine.run()).code).toBe(0);
    expect((await machine.run()).err).toBe("");
  });
});
