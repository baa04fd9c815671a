// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { assert, property, string } from "fast-check";
import { createLog, type Level, type LogOptions, printable } from "./log.ts";

/** A log and the lines it writes. */
function logTo(format: LogOptions["format"], level?: Level) {
  const lines: string[] = [];
  const options = { format, write: (line: string) => lines.push(line) };
  return { lines, log: createLog("meter", level === undefined ? options : { ...options, level }) };
}

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const NASTY = [
  "\n",
  "\r",
  "\t",
  "\u0000",
  "\u001b[2J",
  "\u007f",
  "\u009b1m",
  "\u2028",
  "\u202e",
  "\u2066",
  "\u{e0001}",
];

test.each(NASTY)("printable shows %j by its code", (text) => {
  expect(printable(`a${text}b`)).not.toMatch(UNSAFE);
  expect(printable(`a${text}b`)).toContain("\\x");
});

test("printable leaves text of any language as it is", () => {
  expect(printable('Žluťoučký "kůň" 日本 🐎')).toBe('Žluťoučký "kůň" 日本 🐎');
});

describe("createLog", () => {
  test("writes component, message and fields on a line", () => {
    const { log, lines } = logTo("text");
    log("info", "started", { flows: 3, file: "a b" });
    log("warning", "cut off");
    expect(lines).toEqual(["meter: started flows=3 file=a b\n", "warning: meter: cut off\n"]);
  });

  test("writes syslog's number in front for the journal", () => {
    const { log, lines } = logTo("journal", "debug");
    for (const level of ["error", "warning", "notice", "info", "debug"] as const) log(level, "x");
    expect(lines.map((line) => line.slice(0, 3))).toEqual(["<3>", "<4>", "<5>", "<6>", "<7>"]);
  });

  test("writes JSON objects that read back as what was said", () => {
    const { log, lines } = logTo("json");
    log("error", "a\u009b\u202e\nb", { name: "\u{e0001}", on: true });
    expect(JSON.parse(lines[0]!)).toEqual({
      level: "error",
      component: "meter",
      message: "a\u009b\u202e\nb",
      name: "\u{e0001}",
      on: true,
    });
  });

  test("leaves out what is less important than its level", () => {
    const usual = logTo("text");
    const strict = logTo("text", "error");
    for (const { log } of [usual, strict]) {
      log("debug", "d");
      log("info", "i");
      log("error", "e");
    }
    expect(usual.lines).toEqual(["meter: i\n", "error: meter: e\n"]);
    expect(strict.lines).toEqual(["error: meter: e\n"]);
  });

  test.each(["text", "journal", "json"] as const)("never lets a %s line be forged", (format) => {
    const { log, lines } = logTo(format);
    const check = (text: string): void => {
      lines.length = 0;
      log("info", text, { field: text });
      expect(lines).toHaveLength(1);
      expect(lines[0]!.endsWith("\n")).toBe(true);
      expect(lines[0]!.slice(0, -1)).not.toMatch(UNSAFE);
    };
    for (const text of NASTY) check(text);
    assert(property(string({ unit: "binary" }), check), { seed: 1, numRuns: 200 });
  });
});
