// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../core/clock.ts";
import { ModuleRunner } from "../core/runner.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import type { Template } from "../core/unirec/template.ts";
import { type Row, rowsOf } from "../core/unirec/test-kit.ts";
import { SECOND, timeText } from "../core/unirec/time.ts";
import logreplay from "./logreplay.ts";

// Some tests start a process, on a machine that may be busy.
setDefaultTimeout(60_000);

testModule(logreplay);

const folder = mkdtempSync(join(tmpdir(), "nemean-logreplay-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const fileOf = (text: string): string => {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, text);
  return path;
};

/** A replay of the text, whose records, layouts and warnings are written down. */
function replaying(text: string, params: Readonly<Record<string, unknown>> = {}) {
  const clock = new ManualClock(1_704_067_200.25 * SECOND);
  const warned: string[] = [];
  const layouts: string[] = [];
  const rows: Row[] = [];
  const file = fileOf(text);
  const runner = new ModuleRunner(logreplay, {
    clock,
    params: { file, ...params },
    warn: (message) => warned.push(message),
  });
  const port = runner.outputs["flows"]!;
  let layout: Template | undefined;
  port.link({
    announce(next) {
      layout = next;
      layouts.push(next.spec);
    },
    receive: (batch) => rows.push(...rowsOf(batch, layout!)),
    advance: () => {},
    end: () => {},
  });
  return {
    runner,
    clock,
    file,
    warned,
    layouts,
    rows,
    port,
    /** Let it send what it may at this time; returns the milliseconds it wants to wait, undefined at the end. */
    play(): number | undefined {
      let wait: number | undefined = 0;
      while (wait === 0) wait = runner.produce();
      port.flush();
      return wait;
    },
  };
}

/** What a replay at full speed sends, and warns of. */
function replayed(text: string, params: Readonly<Record<string, unknown>> = {}) {
  const replay = replaying(text, params);
  expect(replay.play()).toBeUndefined();
  replay.runner.end();
  return replay;
}

const HEADER = "uint16 DST_PORT,string NOTE";
const TEXT = `${HEADER}\n80,"one"\n443,"two, č"\n53,""\n`;
const ROWS = [
  { DST_PORT: 80, NOTE: "one" },
  { DST_PORT: 443, NOTE: "two, č" },
  { DST_PORT: 53, NOTE: "" },
];

describe("records", () => {
  test("logreplay sends a record for each line, in the layout of the header", () => {
    const { rows, layouts, warned } = replayed(TEXT);
    expect(layouts).toEqual([HEADER]);
    expect(rows).toEqual(ROWS);
    expect(warned).toEqual([]);
  });

  test("logreplay knows the layout before it is asked for records", () => {
    expect(replaying(TEXT).layouts).toEqual([HEADER]);
  });

  test.each([
    ["columns in another order", 'string NOTE,uint16 DST_PORT\n"one",80\n"two, č",443\n"",53\n'],
    ["returns at its ends of lines", TEXT.replaceAll("\n", "\r\n")],
    ["blank lines", TEXT.replaceAll("\n", "\n\n\r\n")],
    ["no end of its last line", TEXT.slice(0, -1)],
    ["a mark of its byte order", `\ufeff${TEXT}`],
  ])("logreplay takes a file with %s", (_, text) => {
    const { rows, layouts, warned } = replayed(text);
    expect([rows, layouts, warned]).toEqual([ROWS, [HEADER], []]);
  });

  test("logreplay takes a header without records, with and without its end", () => {
    expect(replayed(HEADER)).toMatchObject({ rows: [], layouts: [HEADER], warned: [] });
    expect(replayed(`${HEADER}\n`)).toMatchObject({ rows: [], layouts: [HEADER], warned: [] });
  });

  test("logreplay sends a file of many chunks, about a batch at a time", () => {
    const count = 60_000;
    const lines = Array.from({ length: count }, (_, i) => `${i},"number ${i}"`);
    const { runner, rows, port } = replaying(`uint32 PORT,string NOTE\n${lines.join("\n")}\n`);
    let most = 0;
    for (let before = 0; runner.produce() !== undefined; before = port.records)
      most = Math.max(most, port.records - before);
    port.flush();
    expect(most).toBeWithin(1, count / 5);
    expect(rows).toEqual(
      Array.from({ length: count }, (_, i) => ({ PORT: i, NOTE: `number ${i}` })),
    );
  });

  test.each([0, 1, 2, 3, 4])("logreplay ends after %d records when it is told so", (recordsMax) => {
    expect(replayed(TEXT, { recordsMax }).rows).toEqual(ROWS.slice(0, recordsMax));
  });
});

describe("bad lines", () => {
  test("logreplay names a bad line and its field, and goes on with the next", () => {
    const { rows, warned, runner, file } = replayed(
      `${HEADER}\n80,"one"\nbad,"x"\n70000,"y"\n443,"two, č",1\n\n53,""\n`,
    );
    expect(rows).toEqual([ROWS[0]!, ROWS[2]!]);
    expect(warned).toEqual([
      `${file}: line 3: invalid field "DST_PORT": "bad"; skipped`,
      `${file}: line 4: invalid field "DST_PORT": "70000"; skipped`,
      `${file}: line 5: 3 columns, the header has 2; skipped`,
    ]);
    expect(runner.counters.get("lines_skipped")).toBe(3);
  });

  test("logreplay names the first 20 bad lines and counts all", () => {
    const { rows, warned, runner, file } = replayed(`${TEXT}${"bad\n".repeat(1000)}1,"last"\n`);
    expect(rows).toHaveLength(4);
    expect(warned).toHaveLength(21);
    expect(warned[19]).toStartWith(`${file}: line 24: `);
    expect(warned[20]).toBe(`${file}: 1000 lines skipped`);
    expect(runner.counters.get("lines_skipped")).toBe(1000);
  });

  test("logreplay goes on behind a line without end", () => {
    const { rows, warned } = replayed(`${HEADER}\n${"9".repeat(3_000_000)}\n80,"one"\n`);
    expect(rows).toEqual([ROWS[0]!]);
    expect(warned.length).toBeWithin(1, 5);
    for (const warning of warned) expect(warning.length).toBeLessThan(400);
  });

  test("logreplay counts a record that is longer than records can be", () => {
    const { rows, runner } = replayed(
      `${HEADER},bytes B\n1,"${"x".repeat(40_000)}",${"ab".repeat(40_000)}\n80,"one",\n`,
    );
    expect(rows).toMatchObject([ROWS[0]!]);
    expect(runner.counters.get("records_too_long") + runner.counters.get("lines_skipped")).toBe(1);
  });
});

describe("pace", () => {
  const at = (second: number, note: string): string =>
    `${timeText(second * SECOND).slice(0, 19)},"${note}"`;
  const paced = (...lines: string[]): string => ["time,string NOTE", ...lines, ""].join("\n");
  const story = paced(at(100, "a"), at(100, "b"), at(102, "c"), at(97, "d"), at(98, "e"));

  /** What has been sent at each of these seconds after the start. */
  const sentAt = (replay: ReturnType<typeof replaying>, seconds: readonly number[]): string[] => {
    const start = replay.clock.now();
    return seconds.map((second) => {
      replay.clock.set(start + second * SECOND);
      replay.play();
      return replay.rows.map(({ NOTE }) => NOTE).join("");
    });
  };

  test("logreplay lets whole seconds pass between records as the column tells", () => {
    const sent = sentAt(replaying(story), [0, 1.999, 2, 2.999, 3]);
    expect(sent).toEqual(["ab", "ab", "abcd", "abcd", "abcde"]);
  });

  test("logreplay says how long it waits, and ends with the last record", () => {
    const { play, clock } = replaying(story);
    expect(play()).toBe(2000);
    clock.set(clock.now() + 1.5 * SECOND);
    expect(play()).toBe(500);
    clock.set(clock.now() + 0.5 * SECOND);
    expect(play()).toBe(1000);
    clock.set(clock.now() + 1 * SECOND);
    expect(play()).toBeUndefined();
  });

  test("logreplay catches up when it is a little late, and goes on from there when it is very late", () => {
    const lines = paced(at(100, "a"), at(102, "b"), at(104, "c"), at(106, "d"));
    expect(sentAt(replaying(lines), [0, 2.9, 4, 6])).toEqual(["a", "ab", "abc", "abcd"]);
    expect(sentAt(replaying(lines), [0, 50, 51.9, 52, 54])).toEqual([
      "a",
      "ab",
      "ab",
      "abc",
      "abcd",
    ]);
  });

  test("logreplay lets no time that is none make it wait", () => {
    const lines = paced(at(100, "a"), 'never,"b"', at(101, "c"));
    expect(sentAt(replaying(lines), [0, 1])).toEqual(["ab", "abc"]);
  });

  test("logreplay sends all lines of a second at once, over many chunks and to a last line without end", () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => at(100, `number ${i}`));
    const { rows, warned } = replayed(paced(...lines).slice(0, -1));
    expect(rows.map(({ NOTE }) => NOTE)).toEqual(lines.map((_, i) => `number ${i}`));
    expect(warned).toEqual([]);
  });

  test("logreplay sends at full speed when it is told so", () => {
    expect(replayed(story, { fullSpeed: true }).rows).toHaveLength(5);
  });

  test("logreplay ends after so many paced records", () => {
    const replay = replaying(story, { recordsMax: 2 });
    expect(replay.play()).toBeUndefined();
    expect(replay.rows).toEqual([{ NOTE: "a" }, { NOTE: "b" }]);
  });
});

describe("files", () => {
  test("logreplay needs a file, and says how to give it", () => {
    expect(() => new ModuleRunner(logreplay)).toThrow(
      expect.objectContaining({ code: "ERR_USAGE", message: expect.stringContaining("-f FILE") }),
    );
  });

  test.each([
    ["is not there", "/none/x.csv", 66],
    ["is a folder", folder, 66],
  ])("logreplay names a file that %s", (_, file, exitCode) => {
    expect(() => new ModuleRunner(logreplay, { params: { file } })).toThrow(
      expect.objectContaining({
        code: "ERR_INPUT",
        exitCode,
        message: expect.stringContaining(`logreplay: cannot read ${file}: `),
      }),
    );
  });

  test.each([
    ["nothing", "", "empty: expected a header"],
    ["blank lines only", "\n\n", "empty: expected a header"],
    ["no header", '80,"one"\n', 'header: not a UniRec field: "80"'],
    ["a field that is called as a part of the writer", "uint8 begin\n1\n", "called begin"],
  ])("logreplay refuses a file that has %s", (_, text, message) => {
    expect(() => replaying(text)).toThrow(
      expect.objectContaining({
        code: "ERR_INPUT",
        exitCode: 65,
        message: expect.stringContaining(message),
      }),
    );
  });
});

describe("standard input", () => {
  /** A process that replays its standard input and says what it sends, and when it has to wait. */
  const script = `
    const load = (path) => import(process.env.SOURCE + path);
    const { ModuleRunner } = await load("/core/runner.ts");
    const { default: logreplay } = await load("/modules/logreplay.ts");
    const runner = new ModuleRunner(logreplay, { params: { file: "-" } });
    const port = runner.outputs.flows;
    port.link({
      announce: ({ spec }) => process.stdout.write("layout " + spec + "\\n"),
      receive: ({ count }) => process.stdout.write("records " + count + "\\n"),
      advance() {},
      end: () => process.stdout.write("end\\n"),
    });
    let waited = false;
    for (;;) {
      const wait = runner.produce();
      port.flush();
      if (wait === undefined) break;
      if (wait > 0 && !waited) process.stdout.write("waiting\\n");
      waited = wait > 0;
      await Bun.sleep(wait);
    }
    runner.end();
  `;

  const env = { ...process.env, SOURCE: join(import.meta.dir, "..") };

  test("logreplay waits for a pipe without holding up its thread", async () => {
    const child = Bun.spawn([process.execPath, "-e", script], {
      env,
      stdin: "pipe",
      stdout: "pipe",
    });
    const decoder = new TextDecoder();
    const output = child.stdout.getReader();
    /** What it says next, which is as long as `expected` at least. */
    const said = async (expected: string): Promise<string> => {
      let text = "";
      while (text.length < expected.length) {
        const { value, done } = await output.read();
        if (done) break;
        text += decoder.decode(value);
      }
      return text;
    };
    const steps: readonly (readonly [string, string])[] = [
      ["", "waiting\n"],
      [`${HEADER}\n80,"one"\n443,`, `layout ${HEADER}\nrecords 1\nwaiting\n`],
      ['"two"\n53,""', "records 1\nwaiting\n"],
    ];
    for (const [written, expected] of steps) {
      child.stdin.write(written);
      await child.stdin.flush();
      expect(await said(expected)).toBe(expected);
    }
    await child.stdin.end();
    expect(await said("records 1\nend\n")).toBe("records 1\nend\n");
    expect(await child.exited).toBe(0);
  });

  test("logreplay reads standard input that is a file", () => {
    const { stdout } = Bun.spawnSync([process.execPath, "-e", script], {
      env,
      stdin: Bun.file(fileOf(TEXT)),
    });
    expect(stdout.toString()).toBe(`layout ${HEADER}\nrecords 3\nend\n`);
  });
});
