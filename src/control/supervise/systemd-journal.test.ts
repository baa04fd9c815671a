// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { journalArguments, parseJournal } from "./systemd-journal.ts";

/** An entry as journalctl 252 writes it: with the fields that it adds to those asked for. */
const entry = (fields: Record<string, unknown>): string =>
  JSON.stringify({
    PRIORITY: "6",
    __REALTIME_TIMESTAMP: "1795535269265371",
    MESSAGE: "Started nemean-module@talk.service.",
    __CURSOR: "s=4b38c47455dd49579411b6e3b1635077;i=a1;b=95a3da5c;m=308ab793e;t=66107a1e7ffdb;x=2d",
    __MONOTONIC_TIMESTAMP: "13030357310",
    _BOOT_ID: "95a3da5c55dc4a4f97b012d6cf47e13f",
    ...fields,
  });

const message = (Message: unknown) => parseJournal(entry({ MESSAGE: Message }))[0]?.message;

test("parseJournal reads lines, the oldest first", () => {
  const later = entry({ __REALTIME_TIMESTAMP: "1795535269267902", PRIORITY: "4", MESSAGE: "full" });
  expect(parseJournal(`${entry({})}\n${later}\n`)).toEqual([
    { at: 1795535269265371, level: "info", message: "Started nemean-module@talk.service." },
    { at: 1795535269267902, level: "warning", message: "full" },
  ]);
});

test.each([
  ["0", "error"],
  ["2", "error"],
  ["3", "error"],
  ["4", "warning"],
  ["5", "notice"],
  ["6", "info"],
  ["7", "debug"],
  ["8", "info"],
  ["x", "info"],
  [4, "info"],
  [undefined, "info"],
] as const)("parseJournal takes priority %p for %s", (Priority, level) => {
  expect(parseJournal(entry({ PRIORITY: Priority }))[0]!.level).toBe(level);
});

test("parseJournal reads a message that is no printable text as bytes", () => {
  const coloured = [101, 115, 99, 32, 27, 91, 51, 49, 109, 114, 101, 100];
  expect(message(coloured)).toBe("esc \\x1b[31mred");
  expect(message([99, 97, 102, 233])).toBe("caf\ufffd");
  expect(message([])).toBe("");
});

test("parseJournal says of a message that is too long where it stands", () => {
  expect(message(null)).toContain("journalctl --all");
});

test("parseJournal joins the messages of an entry that has several", () => {
  expect(message(["two", [116, 105]])).toBe("two ti");
});

test("parseJournal keeps a message on one line", () => {
  expect(message("two\ntimes\u2028\u202e")).toBe("two\\x0atimes\\x2028\\x202e");
});

test.each([
  ["no JSON", "-- No entries --"],
  ["cut short", entry({}).slice(0, -20)],
  ["no object", "[1]"],
  ["null", "null"],
  ["no message", entry({ MESSAGE: undefined })],
  ["a message that is a number", entry({ MESSAGE: 5 })],
  ["bytes that are none", entry({ MESSAGE: [300] })],
  ["no time", entry({ __REALTIME_TIMESTAMP: undefined })],
  ["a time in words", entry({ __REALTIME_TIMESTAMP: "now" })],
  ["a time that is a number", entry({ __REALTIME_TIMESTAMP: 1795535269265371 })],
])("parseJournal leaves out an entry with %s, and reads the next", (_, text) => {
  expect(parseJournal(`${text}\n${entry({})}\n`)).toHaveLength(1);
});

test("parseJournal never throws on what is JSON", () => {
  fc.assert(fc.property(fc.json(), (json) => void parseJournal(json)));
  fc.assert(fc.property(fc.jsonValue(), (Message) => void message(Message)));
});

test.each([
  [200, "--lines=200"],
  [1e9, "--lines=10000"],
  [-5, "--lines=0"],
  [2.5, "--lines=2"],
])("journalArguments asks for %p lines as %s", (most, word) => {
  expect(journalArguments("nemean-detectors.service", most)).toContain(word);
});
