// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { ManualClock } from "../clock.ts";
import { messages } from "../unirec/template.ts";
import type { TrapOutput } from "./interface.ts";
import { Folder, fileOf, openFile, readFiles, textBatch } from "./testing/file-kit.ts";

const RAW = messages("raw");
const JSON_LINES = messages("json");
const ZONE = process.env["TZ"];
const micros = (text: string): number => Date.parse(text) * 1000;
const NIGHT = "2026-11-24T02:07:00+01:00";

let folder: Folder;
let clock: ManualClock;
beforeEach(() => {
  process.env["TZ"] = "Europe/Prague";
  folder = new Folder();
  clock = new ManualClock(micros(NIGHT));
});
afterEach(() => {
  folder[Symbol.dispose]();
  process.env["TZ"] = ZONE ?? "Etc/UTC";
});

function open(rest: string): Required<TrapOutput> {
  const output = openFile(`f:${folder.path}/${rest}`, { clock });
  output.announce(RAW);
  return output;
}

const send = (output: TrapOutput, text: string): void => output.receive(textBatch(text));

/** Names in the folder, each with the messages of its file. */
const files = (): Record<string, string[]> =>
  Object.fromEntries(
    readdirSync(folder.path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => `${parentPath}/${name}`)
      .sort()
      .map((path) => [
        path.slice(folder.path.length + 1),
        readFiles(`'${path}'`).messages.map((text) => Buffer.from(text, "hex").toString()),
      ]),
  );

const put = (name: string, text: string): void =>
  writeFileSync(folder.file(name), fileOf(RAW, textBatch(text)));

/** More than a quarter of a megabyte in `count` containers. */
function fill(output: TrapOutput, count: number): void {
  for (let i = 0; i < count; i++) output.receive(textBatch("x".repeat(65_000)));
}

describe("file series", () => {
  test("empties the file that is there", () => {
    put("x", "old");
    const output = open("x");
    send(output, "new");
    output.close();
    expect(files()).toEqual({ x: ["new"] });
  });

  test("makes folders, and fills in the time that it begins at", () => {
    const output = open("%Y/%m-%d/%H%M%%.trap");
    clock.set(micros("2027-01-01T00:00:00Z"));
    send(output, "one");
    output.close();
    expect(output.stats.id).toBe(`${folder.path}/2026/11-24/0207%.trap`);
    expect(files()).toEqual({ "2026/11-24/0207%.trap": ["one"] });
  });

  test("takes the first free number with a", () => {
    put("x", "plain");
    put("x.00000", "old");
    put("x.00002", "old");
    for (const text of ["one", "two"]) {
      const output = open("x:a");
      send(output, text);
      output.close();
    }
    expect(files()).toEqual({
      x: ["plain"],
      "x.00000": ["old"],
      "x.00001": ["one"],
      "x.00002": ["old"],
      "x.00003": ["two"],
    });
  });

  test("numbers files by size, and begins another before the next container", () => {
    put("x.00000", "old");
    put("x.00001", "old");
    const output = open("x:size=1");
    // 17 containers of 65,006 bytes are the first that make 2^20.
    fill(output, 35);
    output.close();
    expect(Object.entries(files()).map(([name, { length }]) => [name, length])).toEqual([
      ["x.00000", 17],
      ["x.00001", 17],
      ["x.00002", 1],
    ]);
  });

  test("passes over numbers in use with a and size", () => {
    put("x.00001", "old");
    const output = open("x:a:size=1");
    fill(output, 18);
    output.close();
    expect(Object.keys(files())).toEqual(["x.00000", "x.00001", "x.00002"]);
    expect(files()["x.00001"]).toEqual(["old"]);
  });

  test("names files by the interval's beginning in local time", () => {
    const output = open("x:time=5");
    send(output, "one");
    clock.set(micros("2026-11-24T02:09:59.999+01:00"));
    send(output, "two");
    clock.set(micros("2026-11-24T02:10:00+01:00"));
    send(output, "three");
    clock.set(micros("2026-11-24T05:01:00+01:00"));
    send(output, "four");
    output.close();
    expect(files()).toEqual({
      "x.202611240205": ["one", "two"],
      "x.202611240210": ["three"],
      "x.202611240500": ["four"],
    });
  });

  test("fills a path's conversions with the interval's beginning", () => {
    const output = open("%H/%M:time=60");
    send(output, "one");
    clock.set(micros("2026-11-24T03:59:00+01:00"));
    send(output, "two");
    output.close();
    expect(files()).toEqual({ "02/00.202611240200": ["one"], "03/00.202611240300": ["two"] });
  });

  test("numbers anew in each interval with time and size", () => {
    const output = open("x:time=5:size=1");
    fill(output, 18);
    clock.set(micros("2026-11-24T02:10:00+01:00"));
    send(output, "next");
    output.close();
    expect(Object.entries(files()).map(([name, { length }]) => [name, length])).toEqual([
      ["x.202611240205.00000", 17],
      ["x.202611240205.00001", 1],
      ["x.202611240210.00000", 1],
    ]);
  });

  test("numbers the intervals' files with a and time", () => {
    put("x.202611240205.00000", "old");
    const output = open("x:a:time=5");
    send(output, "one");
    clock.set(micros("2026-11-24T02:10:00+01:00"));
    send(output, "two");
    output.close();
    expect(files()).toEqual({
      "x.202611240205.00000": ["old"],
      "x.202611240205.00001": ["one"],
      "x.202611240210.00000": ["two"],
    });
  });

  test("begins no file for an interval in which nothing came", () => {
    const output = open("x:time=5");
    send(output, "one");
    clock.set(micros("2026-11-24T02:10:00+01:00"));
    output.endsStream = false;
    output.end();
    expect(files()).toEqual({ "x.202611240205": ["one"] });
  });

  test("keeps the file when the clock is set back", () => {
    const output = open("x:time=5");
    send(output, "one");
    clock.set(micros("2026-11-24T01:00:00+01:00"));
    send(output, "two");
    output.close();
    expect(files()).toEqual({ "x.202611240205": ["one", "two"] });
  });

  test("empties no file of the hour that comes twice in autumn", () => {
    clock.set(micros("2026-10-25T00:00:00Z"));
    const output = open("x:time=30");
    for (const minute of [0, 30, 60, 90, 120]) {
      clock.set(micros("2026-10-25T00:00:00Z") + minute * 60e6);
      send(output, `at ${minute}`);
    }
    output.close();
    expect(files()).toEqual({
      "x.202610250200": ["at 0"],
      "x.202610250200.00000": ["at 60"],
      "x.202610250230": ["at 30"],
      "x.202610250230.00000": ["at 90"],
      "x.202610250300": ["at 120"],
    });
  });
});

describe("file series on another layout", () => {
  test.each([
    ["x", ["x", "x.00001", "x.00002"]],
    ["x:a", ["x.00001", "x.00002", "x.00003"]],
    ["x:size=1", ["x.00000", "x.00001", "x.00002"]],
    ["x:time=5", ["x.202611240205", "x.202611240205.00000", "x.202611240205.00001"]],
    ["x:a:time=5", [0, 1, 2].map((number) => `x.202611240205.0000${number}`)],
  ])("goes on with the next free number: %s", (rest, names) => {
    put("x.00000", "old");
    const output = open(rest);
    send(output, "one");
    output.announce(RAW);
    send(output, "two");
    output.announce(JSON_LINES);
    send(output, "{}");
    output.announce(RAW);
    send(output, "three");
    output.close();
    const [first, second, third] = names;
    const old = rest === "x:size=1" ? {} : { "x.00000": ["old"] };
    expect(files()).toEqual({
      ...old,
      [first!]: ["one", "two"],
      [second!]: ["{}"],
      [third!]: ["three"],
    });
    expect(readFiles(folder.file(second!)).layouts).toEqual(["json "]);
    expect(output.stats.id).toBe(folder.file(third!));
  });

  test("uses the file in which nothing was written yet", () => {
    const output = open("x");
    output.announce(JSON_LINES);
    output.announce(RAW);
    output.end();
    expect(Object.keys(files())).toEqual(["x"]);
    expect(readFiles(folder.file("x")).layouts).toEqual(["raw "]);
  });

  test("tells the last layout even when nothing follows", () => {
    const output = open("x");
    send(output, "one");
    output.announce(JSON_LINES);
    output.endsStream = false;
    output.end();
    expect(files()).toEqual({ x: ["one"], "x.00000": [] });
    expect(readFiles(folder.file("x.00000")).layouts).toEqual(["json "]);
  });
});
