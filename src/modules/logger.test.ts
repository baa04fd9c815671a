// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../core/clock.ts";
import { ModuleRunner } from "../core/runner.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import { parseTemplate } from "../core/unirec/template.ts";
import { packed } from "../core/unirec/test-kit.ts";
import { TextReader } from "../core/unirec/text-reader.ts";
import { SECOND } from "../core/unirec/time.ts";
import logger from "./logger.ts";

// Two tests start a process, on a machine that may be busy.
setDefaultTimeout(60_000);

testModule(logger);

const folder = mkdtempSync(join(tmpdir(), "nemean-logger-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

const ports = parseTemplate("uint16 DST_PORT,string NOTE");
const rows = [
  { DST_PORT: 80, NOTE: "one" },
  { DST_PORT: 443, NOTE: "two, č" },
  { DST_PORT: 53, NOTE: "" },
];
type Params = Readonly<Record<string, unknown>>;

/** A logger to a file of its own. */
function logging(params: Params = {}, layout = ports) {
  const path = (params["write"] ?? params["append"] ?? join(folder, `${files++}.csv`)) as string;
  const clock = new ManualClock(1_704_164_645.9 * SECOND);
  const runner = new ModuleRunner(logger, {
    clock,
    params: params["append"] ? params : { ...params, write: path },
  });
  const input = runner.inputs["flows"]!;
  input.announce(layout);
  return { runner, input, clock, path, text: () => readFileSync(path, "utf8") };
}

/** What a logger of these parameters writes of the three rows. */
function logged(params: Params = {}): string {
  const { input, text } = logging(params);
  input.receive(packed(ports, rows));
  input.end();
  return text();
}

const LINES = '80,"one"\n443,"two, č"\n53,""\n';

describe("lines", () => {
  test("logger writes a line for each record", () => {
    expect(logged()).toBe(LINES);
  });

  test("logger writes a header of types and names first", () => {
    expect(logged({ header: true })).toBe(`uint16 DST_PORT,string NOTE\n${LINES}`);
  });

  test("logger writes out what a batch brought before the next one comes", () => {
    const { input, text } = logging();
    input.receive(packed(ports, rows.slice(0, 1)));
    expect(text()).toBe('80,"one"\n');
    input.receive(packed(ports, rows.slice(1)));
    expect(text()).toBe(LINES);
    input.end();
    expect(text()).toBe(LINES);
  });

  test.each([
    [";", ";"],
    ["\\t", "\t"],
    ["\t", "\t"],
    ["\\n", "\n"],
    ["\\f", "\f"],
    ["\\v", "\v"],
    ["\\r", "\r"],
  ])("logger joins values and header by the delimiter %j", (delimiter, sign) => {
    expect(logged({ delimiter, header: true, receptionTime: true })).toStartWith(
      `time${sign}uint16 DST_PORT${sign}string NOTE\n2024-01-02T03:04:05${sign}80${sign}"one"\n`,
    );
  });

  test.each(["|", ":", ".", "-", "[", "]", "7", "b", "E", '"', "", "ab", "\\q", "č", "\u007f"])(
    "logger refuses %j as a delimiter",
    (delimiter) => {
      expect(() => logging({ delimiter })).toThrow(
        expect.objectContaining({ code: "ERR_USAGE", message: expect.stringContaining("-d") }),
      );
    },
  );
});

describe("time of reception", () => {
  test("logger puts the second at which a batch came in front of its records", () => {
    const { input, clock, text } = logging({ receptionTime: true, header: true });
    input.receive(packed(ports, rows.slice(0, 2)));
    clock.set(clock.now() + 0.1 * SECOND);
    input.receive(packed(ports, rows.slice(2)));
    input.end();
    expect(text()).toBe(
      [
        "time,uint16 DST_PORT,string NOTE",
        '2024-01-02T03:04:05,80,"one"',
        '2024-01-02T03:04:05,443,"two, č"',
        '2024-01-02T03:04:06,53,""',
        "",
      ].join("\n"),
    );
    const [header, line] = text().split("\n");
    const reader = new TextReader(header!);
    expect(reader.paced).toBe(true);
    expect(reader.read(line!, reader.writer())).toBe(1_704_164_645 * SECOND);
  });
});

describe("number of records", () => {
  test.each([1, 2])("logger ends after %d records, within a batch as well", (recordsMax) => {
    const { runner, input, text } = logging({ recordsMax });
    input.receive(packed(ports, rows.slice(0, 1)));
    expect(runner.stopping).toBe(recordsMax === 1);
    input.receive(packed(ports, rows.slice(1)));
    expect(runner.stopping).toBe(true);
    input.receive(packed(ports, rows));
    input.end();
    expect(text()).toBe(LINES.split("\n").slice(0, recordsMax).join("\n").concat("\n"));
  });

  test("logger writes the header only when it may take no record, and ends", () => {
    const { runner, input, text } = logging({ recordsMax: 0, header: true });
    expect(runner.stopping).toBe(true);
    input.end();
    expect(text()).toBe("uint16 DST_PORT,string NOTE\n");
  });

  test("logger writes the header of a stream that has no records", () => {
    const { runner, input, text } = logging({ header: true });
    expect(runner.stopping).toBe(false);
    input.end();
    expect(text()).toBe("uint16 DST_PORT,string NOTE\n");
  });
});

describe("layouts", () => {
  const other = parseTemplate("uint64 BYTES");
  const change = (params: Params): string => {
    const { input, text } = logging(params);
    input.receive(packed(ports, rows.slice(0, 1)));
    input.announce(parseTemplate(ports.spec));
    input.receive(packed(ports, rows.slice(0, 1)));
    input.announce(other);
    input.receive(packed(other, [{ BYTES: 7 }]));
    input.end();
    return text();
  };

  test("logger writes a new header where the fields change, none where the same come again", () => {
    expect(change({ header: true })).toBe(
      'uint16 DST_PORT,string NOTE\n80,"one"\n80,"one"\nuint64 BYTES\n7\n',
    );
  });

  test("logger goes on with the new fields where it writes no header", () => {
    expect(change({})).toBe('80,"one"\n80,"one"\n7\n');
  });
});

describe("files", () => {
  test("logger empties the file it writes, and appends to the file it appends to", () => {
    const path = join(folder, "kept.csv");
    writeFileSync(path, "before\n");
    expect(logged({ append: path })).toBe(`before\n${LINES}`);
    expect(logged({ write: path })).toBe(LINES);
  });

  test("logger refuses two files in one message that names both", () => {
    expect(() => logging({ write: "a.csv", append: "b.csv" })).toThrow(
      expect.objectContaining({
        code: "ERR_USAGE",
        message: "logger: give one of -w a.csv and -a b.csv, not both",
      }),
    );
  });

  test("logger names a file that it cannot write", () => {
    const path = join(folder, "none", "x.csv");
    expect(() => logging({ write: path })).toThrow(
      expect.objectContaining({
        code: "ERR_OUTPUT",
        exitCode: 73,
        message: expect.stringContaining(path),
      }),
    );
  });
});

describe("standard output", () => {
  /** A process that logs so many batches, or until the module asks to be ended. */
  const script = (batches: number): string => `
    const load = (path) => import(process.env.SOURCE + path);
    const { ModuleRunner } = await load("/core/runner.ts");
    const { parseTemplate } = await load("/core/unirec/template.ts");
    const { packed } = await load("/core/unirec/test-kit.ts");
    const { default: logger } = await load("/modules/logger.ts");
    const runner = new ModuleRunner(logger, { params: { header: true } });
    const layout = parseTemplate("uint16 DST_PORT,string NOTE");
    const batch = packed(layout, Array(1000).fill({ DST_PORT: 80, NOTE: "one" }));
    runner.inputs.flows.announce(layout);
    let batches = 0;
    while (batches < ${batches} && !runner.stopping) { runner.inputs.flows.receive(batch); batches++; }
    runner.inputs.flows.end();
    process.stderr.write(runner.stopping ? "stopping" : "all");
  `;
  const env = { ...process.env, SOURCE: join(import.meta.dir, "..") };
  const HEAD = "uint16 DST_PORT,string NOTE\n";

  test("logger writes to standard output when it is given no file", () => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script(40)], { env });
    expect(stderr.toString()).toBe("all");
    expect(stdout.toString()).toBe(HEAD + '80,"one"\n'.repeat(40_000));
  });

  test("logger asks to be ended when the reader of its pipe has gone", () => {
    const { stdout, stderr } = Bun.spawnSync(
      ["sh", "-c", '"$0" -e "$1" | head -n 1', process.execPath, script(100_000)],
      { env, stdout: "pipe", stderr: "pipe" },
    );
    expect(stderr.toString()).toBe("stopping");
    expect(stdout.toString()).toBe(HEAD);
  });
});
