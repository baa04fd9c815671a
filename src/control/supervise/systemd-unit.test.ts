// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseShow, showArguments, unitOf } from "./systemd-unit.ts";

describe("unitOf", () => {
  test.each([
    ["control", "nemean-control.service"],
    ["detectors", "nemean-detectors.service"],
    ["capture@eth0", "nemean-capture@eth0.service"],
    ["capture@br-lan.100", "nemean-capture@br-lan.100.service"],
    ["detector@vportscan", "nemean-detector@vportscan.service"],
    ["module@ip_spoofing", "nemean-module@ip_spoofing.service"],
    ["command@veth0@if2", "nemean-command@veth0@if2.service"],
  ])("takes %s as it is", (name, unit) => {
    expect(unitOf(name)).toBe(unit);
  });

  test.each([
    "",
    "capture",
    "capture@",
    "sshd",
    "control@x",
    "module@../../etc",
    "module@a b",
    "module@a\nb",
    "module@*",
    "module@a\\x2db",
    "module@é",
    "--help",
    `module@${"n".repeat(300)}`,
  ])("finds none for %j", (name) => {
    expect(unitOf(name)).toBeUndefined();
  });

  test("gives two names never the same unit, and no name that systemctl takes for an option or a pattern", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        const [one, other] = [unitOf(`module@${a}`), unitOf(`module@${b}`)];
        if (one !== undefined) expect(one).toMatch(/^nemean-module@[\w@.-]+\.service$/);
        if (one !== undefined && one === other) expect(a).toBe(b);
      }),
    );
  });
});

/** As systemd 252 wrote it for real units; it keeps an order of its own. */
const block = (values: Record<string, string | number>): string =>
  Object.entries({
    MainPID: 0,
    Result: "success",
    NRestarts: 0,
    ExecMainPID: 0,
    ExecMainCode: 0,
    ExecMainStatus: 0,
    Id: "nemean-module@x.service",
    ActiveState: "failed",
    SubState: "failed",
    Job: "",
    InvocationID: "88bdbf63cc014a9bb20ffbaa36f928b9",
    ...values,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join("");

const one = (values: Record<string, string | number>) => parseShow(block(values))[0]!;
const exit = (Result: string, ExecMainCode: number, ExecMainStatus: number) =>
  one({ Result, ExecMainPID: 65, ExecMainCode, ExecMainStatus }).exit;

describe("parseShow", () => {
  test("reads a unit at work", () => {
    const values = { MainPID: 225, ActiveState: "active", SubState: "running", NRestarts: 2 };
    expect(one({ ...values, ExecMainPID: 225, Job: 1705 })).toMatchObject({
      id: "nemean-module@x.service",
      over: false,
      queued: true,
      invocation: "88bdbf63cc014a9bb20ffbaa36f928b9",
      pid: 225,
      restarts: 2,
    });
  });

  test.each([
    ["active", "running", false],
    ["activating", "start", false],
    ["deactivating", "stop-sigterm", false],
    ["reloading", "reload", false],
    ["inactive", "dead", true],
    ["failed", "failed", true],
    ["activating", "auto-restart", true],
  ])("sees whether a unit that is %s (%s) is over", (ActiveState, SubState, over) => {
    expect(one({ ActiveState, SubState }).over).toBe(over);
  });

  test("reads one block a unit, and none of a text that is cut short", () => {
    const text = `${block({ Id: "a.service" })}\n${block({ Id: "b.service" })}`;
    expect(parseShow(text).map(({ id }) => id)).toEqual(["a.service", "b.service"]);
    expect(parseShow(text.slice(0, -80)).map(({ id }) => id)).toEqual(["a.service"]);
    expect(parseShow("")).toEqual([]);
  });

  test("asks for what it reads", () => {
    const asked = showArguments([]).find((word) => word.startsWith("--property="))!;
    const keys = [...block({}).matchAll(/^\w+/gm)].map(([key]) => key);
    expect(asked.slice("--property=".length).split(",").sort()).toEqual(keys.sort());
  });

  test("never throws on what it cannot read", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseShow(text)));
  });
});

describe("an exit", () => {
  test.each([
    ["success", 1, 0, { code: 0, signal: null }],
    ["exit-code", 1, 7, { code: 7, signal: null }],
    ["signal", 2, 9, { code: null, signal: "SIGKILL" }],
    ["signal", 2, 64, { code: null, signal: "signal 64" }],
    ["core-dump", 3, 6, { code: null, signal: "SIGABRT", detail: "it left a core dump" }],
    ["watchdog", 2, 6, { code: null, signal: "SIGABRT", detail: "watchdog" }],
    ["oom-kill", 2, 9, { code: null, signal: "SIGKILL", detail: "out of memory" }],
    [
      "timeout",
      2,
      15,
      { code: null, signal: "SIGTERM", detail: "it took too long to start or to end" },
    ],
    ["protocol", 1, 0, { code: 0, signal: null, detail: "it never said that it is ready" }],
    [
      "resources",
      0,
      0,
      { code: null, signal: null, detail: "the system lacked what it takes to start it" },
    ],
    [
      "exec-condition",
      0,
      0,
      { code: null, signal: null, detail: "a condition of its unit is not met" },
    ],
    ["exit-code", 1, 203, { code: 203, signal: null, detail: "its program cannot be run" }],
    ["exit-code", 1, 217, { code: 217, signal: null, detail: "its user is not there" }],
    ["new\u001bword", 1, 1, { code: 1, signal: null, detail: "new\\x1bword" }],
  ])("of %s, %p, %p is told in words", (result, code, status, expected) => {
    expect(exit(result, code, status)).toEqual(expected);
  });
});
