// SPDX-License-Identifier: BSD-3-Clause
/** What logger writes, logreplay sends: text of every UniRec type comes out of the two as it went in. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { array, assert, property, record } from "fast-check";
import { ModuleRunner } from "../src/core/runner.ts";
import { parseTemplate } from "../src/core/unirec/template.ts";
import { anyTable, anyValue, packed, type Row, TYPES } from "../src/core/unirec/test-kit.ts";
import logger from "../src/modules/logger.ts";
import logreplay from "../src/modules/logreplay.ts";

// Should a property fail, its rows are made smaller for a while.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "nemean-round-trip-"));
afterAll(() => rmSync(folder, { recursive: true }));
const SOURCE = join(folder, "source.csv");
const TARGET = join(folder, "target.csv");

type Params = Readonly<Record<string, unknown>>;
const logging = (path: string, params: Params): ModuleRunner =>
  new ModuleRunner(logger, { params: { write: path, header: true, ...params } });

/** What logger writes of what logreplay sends of the text. */
function throughBoth(text: string, params: Params = {}): string {
  writeFileSync(SOURCE, text);
  const warned: string[] = [];
  const replay = new ModuleRunner(logreplay, {
    params: { file: SOURCE, fullSpeed: true },
    warn: (message) => warned.push(message),
  });
  const log = logging(TARGET, params);
  replay.outputs["flows"]!.link(log.inputs["flows"]!);
  while (replay.produce() !== undefined);
  replay.end();
  expect(warned).toEqual([]);
  return readFileSync(TARGET, "utf8");
}

/** The text of rows. */
function textOf(spec: string, rows: readonly Row[]): string {
  const layout = parseTemplate(spec);
  const log = logging(SOURCE, {});
  const input = log.inputs["flows"]!;
  input.announce(layout);
  input.receive(packed(layout, rows));
  input.end();
  return readFileSync(SOURCE, "utf8");
}

const EVERY_TYPE = parseTemplate(TYPES.map((type, i) => `${type} F${i}`).join(",")).spec;

test("logger writes text of every UniRec type again as logreplay took it", () => {
  expect(TYPES).toHaveLength(29);
  const layout = parseTemplate(EVERY_TYPE);
  const row = record(
    Object.fromEntries(layout.fields.map(({ name, type }) => [name, anyValue(type)])),
  );
  assert(
    property(array(row, { minLength: 1, maxLength: 4 }), (rows) => {
      const text = textOf(EVERY_TYPE, rows);
      expect(text.split("\n")).toHaveLength(rows.length + 2);
      expect(throughBoth(text)).toBe(text);
    }),
    { seed: 1, numRuns: 60 },
  );
});

test("logger writes text of any layout again as logreplay took it", () => {
  // A line of one empty value cannot be told from a blank line; without a record nobody asks for a header.
  const table = anyTable().filter(
    ({ template, rows }) => template.fields.length > 1 && rows.length > 0,
  );
  assert(
    property(table, ({ template, rows }) => {
      const text = textOf(template.spec, rows);
      expect(throughBoth(text)).toBe(text);
    }),
    { seed: 2, numRuns: 60 },
  );
});

test("logger writes the example of every type of the specification again", () => {
  // unirec.md sections 5.1 to 5.3, 6.
  const text = [
    "ipaddr SRC_IP,int64 BALANCE,uint64 BYTES,time TIME_FIRST,macaddr SRC_MAC,int32 DELTA,float RATE,bytes B,string NOTE,uint16* LENS,time* TS,ipaddr* IPS",
    '2001:db8::1,-9223372036854775808,18446744073709551615,2024-01-02T03:04:05.678901,00:11:22:33:44:55,-2,0.500000,0001ff,"a""b, č",[1|2|3],[1970-01-01T00:00:01.000000|1970-01-01T00:00:02.500000],[10.0.0.1|::1]',
    '192.0.2.1,9223372036854775807,9007199254740993,2106-02-07T06:28:15.999999,ff:ff:ff:ff:ff:ff,2147483647,nan,,"",[],[],[]',
    "",
  ].join("\n");
  expect(throughBoth(text)).toBe(text);
});

test("logger writes the time of reception in front of what a paced file held, and logreplay takes it", () => {
  const header = "time,ipaddr SRC_IP,uint16 DST_PORT\n";
  const text = `${header}2024-01-02T03:04:05,192.0.2.1,443\n`;
  const again = throughBoth(text, { receptionTime: true });
  expect(again).toMatch(
    /^time,ipaddr SRC_IP,uint16 DST_PORT\n[-\d]{10}T[:\d]{8},192\.0\.2\.1,443\n$/,
  );
  expect(throughBoth(again)).toBe("ipaddr SRC_IP,uint16 DST_PORT\n192.0.2.1,443\n");
});
