// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exit } from "./backend.ts";
import { SystemdBackend, systemdAvailable } from "./systemd.ts";
import type { Output } from "./systemd-command.ts";

const X = "nemean-module@x.service";
const RUN = ["a312a04b99e3410d99f4e47bde0e8342", "88bdbf63cc014a9bb20ffbaa36f928b9"] as const;

type Values = Readonly<Record<string, string | number>>;
/** What systemd 252 says of a unit that it does not have in memory, and of one in other states. */
const GONE: Values = {
  MainPID: 0,
  Result: "success",
  NRestarts: 0,
  ExecMainPID: 0,
  ExecMainCode: 0,
  ExecMainStatus: 0,
  ActiveState: "inactive",
  SubState: "dead",
  Job: "",
  InvocationID: "",
};
const WAITS: Values = { ...GONE, Job: 1705 };
const active = (run = 0, pid = 225): Values => ({
  ...GONE,
  MainPID: pid,
  ExecMainPID: pid,
  ActiveState: "active",
  SubState: "running",
  InvocationID: RUN[run]!,
});
const failed = (run = 0, Result = "exit-code", how: Values = {}): Values => ({
  ...GONE,
  Result,
  ExecMainPID: 65,
  ExecMainCode: 1,
  ExecMainStatus: 7,
  ActiveState: "failed",
  SubState: "failed",
  InvocationID: RUN[run]!,
  ...how,
});

const said = (stdout = "", code: number | null = 0, stderr = ""): Output => ({
  code,
  stdout,
  stderr,
});

/** A backend over a systemctl that shows, of each look, the next state of X; the last one stays. */
function scene(...states: Values[]) {
  const asked: string[] = [];
  const exits: (readonly [string, Exit])[] = [];
  const problems: string[] = [];
  const looks = [...states];
  const answers = new Map<string, Output>();
  let running = 0;
  let most = 0;
  const backend = new SystemdBackend({
    lookMs: 1,
    onProblem: (message) => void problems.push(message),
    run: async (argv) => {
      most = Math.max(most, ++running);
      await Bun.sleep(0);
      running--;
      const units = argv.slice(argv.indexOf("--") + 1);
      if (argv[1] !== "show") {
        asked.push(argv.join(" "));
        return answers.get(argv.find((word) => answers.has(word)) ?? "") ?? said();
      }
      const state = looks.length > 1 ? looks.shift()! : looks[0]!;
      const blocks = units.map((Id) =>
        Object.entries({ ...state, Id }).map(([key, value]) => `${key}=${value}\n`),
      );
      return answers.get("show") ?? said(blocks.map((lines) => lines.join("")).join("\n"));
    },
  });
  backend.observe({ onExit: (name, exit) => void exits.push([name, exit]) });
  const show = (...next: Values[]): void => void looks.splice(0, looks.length, ...next);
  return { backend, asked, exits, problems, answers, show, most: () => most };
}

const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await Bun.sleep(1);
};
const start = (backend: SystemdBackend): void =>
  backend.start({ name: "module@x", kind: "module" });
const FAILED = "Failed to start nemean-module@x.service:";

describe("SystemdBackend", () => {
  test("starts a unit and knows its process", async () => {
    const { backend, asked, exits } = scene(GONE, WAITS, WAITS, active());
    await using _ = backend;
    start(backend);
    expect(backend.pidOf("module@x")).toBeUndefined();
    await until(() => backend.pidOf("module@x") === 225);
    expect(asked).toEqual([`systemctl --no-block --no-ask-password start -- ${X}`]);
    expect(exits).toEqual([]);
  });

  test("takes a unit that is already at work for started", async () => {
    const { backend, exits } = scene(active());
    await using _ = backend;
    start(backend);
    await until(() => backend.pidOf("module@x") === 225);
    expect(exits).toEqual([]);
  });

  test("tells the exit of a unit that failed, once, and looks no more", async () => {
    const { backend, exits } = scene(GONE, active(), failed(0, "watchdog"));
    await using _ = backend;
    start(backend);
    await until(() => exits.length > 0);
    await Bun.sleep(10);
    expect(exits).toEqual([["module@x", { code: 7, signal: null, detail: "watchdog" }]]);
    expect(backend.pidOf("module@x")).toBeUndefined();
  });

  test("tells a clean exit, of which systemd keeps nothing", async () => {
    const { backend, exits } = scene(GONE, active(), GONE);
    await using _ = backend;
    start(backend);
    await until(() => exits.length > 0);
    expect(exits).toEqual([["module@x", { code: 0, signal: null }]]);
  });

  test("tells the exit of a process that no look has seen at work", async () => {
    const { backend, exits, show } = scene(failed(0), failed(1));
    await using _ = backend;
    start(backend);
    await until(() => exits.length === 1);
    show(GONE);
    start(backend);
    await until(() => exits.length === 2);
    expect(exits.map(([, exit]) => exit)).toEqual([
      { code: 7, signal: null },
      { code: 0, signal: null, detail: expect.stringContaining("before it was seen at work") },
    ]);
  });

  test("does not take the run before for one that failed at once", async () => {
    const { backend, exits } = scene(failed(0), { ...failed(0), Job: 9 }, active(1), failed(1));
    await using _ = backend;
    start(backend);
    await until(() => backend.pidOf("module@x") !== undefined || exits.length > 0);
    expect(exits).toEqual([]);
    await until(() => exits.length > 0);
    expect(exits).toEqual([["module@x", { code: 7, signal: null }]]);
  });

  test("tells of a start that came to nothing", async () => {
    for (const [result, words] of [
      ["start-limit-hit", "too often"],
      ["exit-code", "called off"],
    ] as const) {
      const { backend, exits } = scene(failed(0, result));
      await using _ = backend;
      start(backend);
      await until(() => exits.length > 0);
      const detail = expect.stringContaining(words);
      expect(exits).toEqual([["module@x", { code: null, signal: null, detail }]]);
    }
  });

  test("tells when somebody else has started a unit anew, and which of them", async () => {
    for (const [more, words] of [
      [0, "by systemctl"],
      [1, "Restart=no"],
    ] as const) {
      const { backend, exits, show } = scene(GONE, active(0), { ...active(1), NRestarts: more });
      await using _ = backend;
      start(backend);
      await until(() => exits.length > 0);
      const detail = expect.stringContaining(words);
      expect(exits).toEqual([["module@x", { code: null, signal: null, detail }]]);
      show(active(1, 300));
      start(backend);
      await until(() => backend.pidOf("module@x") === 300);
    }
  });

  test("stops and kills, also what it has not started", async () => {
    const { backend, asked, problems, answers } = scene(GONE, active());
    await using _ = backend;
    answers.set("stop", said("", 5, `Failed to stop ${X}: Unit ${X} not loaded.\n`));
    backend.stop("module@x");
    backend.kill("module@x");
    backend.stop("sshd");
    backend.kill("../x");
    await until(() => asked.length === 2);
    expect(asked).toEqual([
      `systemctl --no-block --no-ask-password stop -- ${X}`,
      `systemctl --no-ask-password --signal=SIGKILL kill -- ${X}`,
    ]);
    expect(problems).toEqual([]);
  });

  test("carries out one order at a time, and no order twice while it waits", async () => {
    const { backend, asked, exits, most } = scene(GONE);
    await using _ = backend;
    start(backend);
    start(backend);
    for (let i = 0; i < 50; i++) backend.stop("module@x");
    await until(() => exits.length > 0);
    expect(asked.map((words) => words.split(" ").at(-3))).toEqual(["start", "stop"]);
    expect(most()).toBe(1);
  });

  test("looks at all units with one command", async () => {
    const { backend, exits } = scene(GONE, GONE, GONE, active(), failed(0));
    await using _ = backend;
    for (const name of ["module@a", "module@b", "detectors"])
      backend.start({ name, kind: "module" });
    await until(() => exits.length === 3);
    expect(exits.map(([name]) => name)).toEqual(["module@a", "module@b", "detectors"]);
  });

  test("refuses a name that no unit can have, but not within start", async () => {
    const { backend, exits, asked } = scene(GONE);
    await using _ = backend;
    backend.start({ name: "module@a b", kind: "module" });
    expect(exits).toEqual([]);
    await until(() => exits.length > 0);
    const detail = expect.stringContaining("no unit");
    expect(exits).toEqual([["module@a b", { code: null, signal: null, detail }]]);
    expect(asked).toEqual([]);
  });

  test("refuses one process more than it can hold", async () => {
    const { backend, exits } = scene(GONE, active());
    for (let i = 0; i <= 1000; i++) backend.start({ name: `module@m${i}`, kind: "module" });
    await until(() => exits.length > 0);
    expect(exits[0]).toEqual([
      "module@m1000",
      { code: null, signal: null, detail: "too many processes" },
    ]);
    await backend[Symbol.asyncDispose]();
  });

  test("ends without ending its units, and tells nothing more", async () => {
    const { backend, asked, exits, show } = scene(GONE, active());
    start(backend);
    await until(() => backend.pidOf("module@x") !== undefined);
    await backend[Symbol.asyncDispose]();
    show(failed(0));
    backend.stop("module@x");
    await Bun.sleep(10);
    expect([asked.length, exits]).toEqual([1, []]);
  });
});

describe("a problem", () => {
  test.each([
    ["Interactive authentication required.\nSee system logs", 1, "nemean.rules"],
    ["Access denied", 4, "nemean.rules"],
    ["Unit polkit.service is masked.", 1, "polkitd"],
    [`Unit ${X} not found.`, 5, "daemon-reload"],
    [`Unit ${X} is masked.`, 1, "daemon-reload"],
  ])("of a start that says %j has its cure", async (why, code, cure) => {
    const { backend, exits, problems, answers } = scene(GONE);
    await using _ = backend;
    answers.set("start", said("", code, `${FAILED} ${why}\n`));
    start(backend);
    await until(() => exits.length > 0);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(cure);
    expect(problems[0]).not.toMatch(/\n|\.:/);
    expect(exits).toEqual([["module@x", { code: null, signal: null, detail: problems[0]! }]]);
  });

  test("is told once for all units, and again after it was mended", async () => {
    const { backend, exits, problems, answers } = scene(GONE);
    await using _ = backend;
    const denied = said("", 1, `${FAILED} Interactive authentication required.`);
    answers.set("start", denied);
    for (const name of ["module@a", "module@b", "module@c"])
      backend.start({ name, kind: "module" });
    await until(() => exits.length === 3);
    expect(problems).toHaveLength(1);
    answers.delete("start");
    start(backend);
    await until(() => exits.length === 4);
    answers.set("start", denied);
    start(backend);
    await until(() => exits.length === 5);
    expect(problems).toHaveLength(2);
  });

  test("of looking keeps units as they were, and it looks again", async () => {
    const { backend, exits, problems, answers } = scene(GONE, active());
    await using _ = backend;
    start(backend);
    await until(() => backend.pidOf("module@x") === 225);
    answers.set("show", said("", 1, "Failed to connect to bus: Connection refused"));
    await until(() => problems.length > 0);
    await Bun.sleep(10);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("D-Bus");
    expect([backend.pidOf("module@x"), exits]).toEqual([225, []]);
  });

  test("of the journal is one line with its cure", async () => {
    const { backend, problems, answers } = scene(GONE);
    await using _ = backend;
    const why = "No journal files were opened due to insufficient permissions.";
    answers.set("--output=json", said("", 1, why));
    expect(await backend.logs("module@x", 5)).toEqual([]);
    expect(await backend.logs("module@x", 5)).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("systemd-journal");
  });

  test("of a machine without systemd is told with the way to do without", async () => {
    const path = process.env["PATH"];
    process.env["PATH"] = "/nowhere";
    try {
      const problems: string[] = [];
      const exits: Exit[] = [];
      await using backend = new SystemdBackend({ onProblem: (text) => void problems.push(text) });
      backend.observe({ onExit: (_, exit) => void exits.push(exit) });
      start(backend);
      await until(() => exits.length > 0);
      expect(problems.length).toBeGreaterThan(0);
      for (const problem of problems) expect(problem).toContain("--supervisor embedded");
    } finally {
      process.env["PATH"] = path;
    }
  });
});

describe("with programs in place of systemctl and journalctl", () => {
  /** A systemctl whose units are files: a folder's `NAME.service` says what is to be shown. */
  const SYSTEMCTL = `#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
here=$(dirname "$0"); echo "$@" >> "$here/asked"
for unit; do :; done
case "$*" in
  *" start "*) cp "$here/active" "$here/state";;
  *" stop "*) cp "$here/gone" "$here/state";;
  *" kill "*) cp "$here/killed" "$here/state";;
  show*) cat "$here/state"; echo "Id=$unit";;
esac
`;
  const JOURNALCTL = `#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
printf '%s\\n' '{"PRIORITY":"3","__REALTIME_TIMESTAMP":"1795535269268432","MESSAGE":[99,97,102,233]}'
`;

  test("SystemdBackend starts, ends and reads as with the real ones", async () => {
    const folder = mkdtempSync(join(tmpdir(), "systemd-"));
    const path = process.env["PATH"];
    const text = (values: Values): string =>
      Object.entries(values)
        .map(([key, value]) => `${key}=${value}\n`)
        .join("");
    const killed = failed(0, "signal", { ExecMainCode: 2, ExecMainStatus: 9 });
    const files = { gone: GONE, state: GONE, active: active(), killed };
    for (const [name, values] of Object.entries(files))
      writeFileSync(join(folder, name), text(values));
    for (const [name, script] of Object.entries({ systemctl: SYSTEMCTL, journalctl: JOURNALCTL })) {
      writeFileSync(join(folder, name), script);
      chmodSync(join(folder, name), 0o755);
    }
    process.env["PATH"] = `${folder}:${path}`;
    try {
      const exits: Exit[] = [];
      const problems: string[] = [];
      await using backend = new SystemdBackend({
        lookMs: 5,
        onProblem: (message) => void problems.push(message),
      });
      backend.observe({ onExit: (_, exit) => void exits.push(exit) });
      start(backend);
      await until(() => backend.pidOf("module@x") === 225);
      backend.kill("module@x");
      await until(() => exits.length === 1);
      start(backend);
      await until(() => backend.pidOf("module@x") === 225);
      backend.stop("module@x");
      await until(() => exits.length === 2);
      expect(exits).toEqual([
        { code: null, signal: "SIGKILL" },
        { code: 0, signal: null },
      ]);
      expect(await backend.logs("module@x", 5)).toEqual([
        { at: 1795535269268432, level: "error", message: "caf\ufffd" },
      ]);
      expect(problems).toEqual([]);
      const asked = readFileSync(join(folder, "asked"), "utf8").split("\n");
      expect(asked.filter((words) => words.startsWith("--"))).toEqual([
        `--no-block --no-ask-password start -- ${X}`,
        `--no-ask-password --signal=SIGKILL kill -- ${X}`,
        `--no-block --no-ask-password start -- ${X}`,
        `--no-block --no-ask-password stop -- ${X}`,
      ]);
    } finally {
      process.env["PATH"] = path;
      rmSync(folder, { recursive: true });
    }
  });
});

test("systemdAvailable asks for the folder that systemd makes as PID 1", () => {
  expect(systemdAvailable(tmpdir())).toBe(true);
  expect(systemdAvailable("/nowhere/systemd/system")).toBe(false);
});
