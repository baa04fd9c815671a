// SPDX-License-Identifier: BSD-3-Clause
/** What every protocol has to pass, and what the meter makes of a capture with it. @module */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { readCapture } from "../../capture-file/reader.ts";
import { Meter, type MeterOptions } from "../../flow/meter.ts";
import { FrameBatch } from "../../packet/frames.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { Random } from "../../traffic/rng.ts";
import { type AnyReader, plainRecord, reader } from "../../unirec/reader.ts";
import { parseTemplate, type Template } from "../../unirec/template.ts";
import { TextWriter } from "../../unirec/text-writer.ts";
import type { AnyProtocol } from "../protocol.ts";
import { conversations, lowerFrames } from "./conversations.ts";

const FOLDER = "corpus/pcap/ipfixprobe";
/** ipfixprobe's defaults, with which its flows were recorded. */
const TIMEOUTS = { active: 300, idle: 30 };
/** Damaged copies of packets that a protocol is shown; `bun run fuzz` asks for more. */
const DAMAGED = Number(process.env["NEMEAN_FUZZ"] ?? 20_000);
const CASES = DAMAGED.toLocaleString("en-US");
/** Milliseconds: of the test suite, and for each case of a longer run. */
const TIMEOUT = 60_000 + DAMAGED / 10;
/** Bytes that say something where they stand: lengths of nothing and too much, DNS pointers, line ends. */
const TELLING = [0, 1, 0x0a, 0x0d, 0x20, 0x3f, 0x7f, 0x80, 0xc0, 0xff];
const batch = new FrameBatch();
const ELEMENT = /^e\d+id\d+(\/e\d+id\d+)?$/;

export type Frames = readonly (readonly [time: number, frame: Uint8Array])[];

function meterWith(def: AnyProtocol, options: MeterOptions & { compat?: boolean }): Meter {
  const { compat = false, ...rest } = options;
  return new Meter({
    ...rest,
    metadata: { compat, groups: [{ name: def.name, protocols: [def] }] },
  });
}

/** Flows of a capture, or of frames, with the fields of a protocol, as plain rows. */
export function protocolRows(
  def: AnyProtocol,
  input: string | Frames,
  options: MeterOptions & { compat?: boolean } = {},
): Record<string, unknown>[] {
  const meter = meterWith(def, options);
  const port = meter.groups[0]!;
  const cursor = reader(port.template) as AnyReader;
  const rows: Record<string, unknown>[] = [];
  port.link({
    receive: (batch) => {
      cursor.reset(batch);
      while (cursor.next()) rows.push(plainRecord(cursor, port.template));
    },
    advance: () => {},
    end: () => {},
  });
  if (typeof input === "string") readCapture(input, meter.frames);
  else for (const [time, frame] of input) meter.frames(batchOf(time, frame));
  meter.end();
  return rows;
}

function batchOf(time: number, frame: Uint8Array): FrameBatch {
  const bytes = new Uint8Array(new ArrayBuffer(frame.length));
  bytes.set(frame);
  return single(time, bytes);
}

/** Packets of a capture, or of frames, that a protocol counts as malformed. */
export function malformedIn(def: AnyProtocol, input: string | Frames): number {
  const meter = meterWith(def, {});
  if (typeof input === "string") readCapture(input, meter.frames);
  else for (const [time, frame] of input) meter.frames(batchOf(time, frame));
  meter.end();
  return meter.stats().malformed![def.name]!;
}

/** Text of flows with a protocol's fields, as ipfixprobe's golden files have it: columns as in their header. */
export function protocolText(def: AnyProtocol, path: string, header: string): string[] {
  const meter = meterWith(def, { ...TIMEOUTS, compat: true });
  const port = meter.groups[0]!;
  const projected = projection(port.template, header);
  const cursor = reader(port.template) as AnyReader;
  const lines: string[] = [];
  const text = new TextWriter((bytes) => {
    lines.push(...new TextDecoder().decode(bytes).split("\n").slice(0, -1));
  });
  text.header(projected);
  port.link({
    receive: (batch) => {
      cursor.reset(batch);
      while (cursor.next()) text.record(cursor, projected);
    },
    advance: () => {},
    end: () => text.flush(),
  });
  readCapture(path, meter.frames);
  meter.end();
  return lines;
}

/** Some fields of a layout at their places in it; throws when one of `header` is not among them. */
function projection(layout: Template, header: string): Template {
  const wanted = parseTemplate(header);
  const fields = wanted.fields.map(({ name, type }) => {
    const field = layout.fields.find((each) => each.name === name && each.type === type);
    if (!field) throw new Error(`there is no ${type} ${name}`);
    return field;
  });
  return { ...wanted, fields };
}

export interface KitOptions {
  /** Capture and golden file of ipfixprobe's plugin, by name; the golden file is called as the protocol if left out. */
  readonly capture?: string;
  readonly golden?: string;
  /** Rows of the golden file that differ, and why: their number, and the reason. */
  readonly deviations?: { readonly rows: number; readonly why: string };
}

/** The conformance kit: declaration, golden file, damage. */
export function testProtocol(
  def: AnyProtocol,
  { capture, golden, deviations }: KitOptions = {},
): void {
  describe(`${def.name}, as every protocol`, () => {
    test(`${def.name} gives each of its fields an IPFIX element`, () => {
      const names = def.fields.fields.map(({ name }) => name);
      expect(Object.keys(def.elements).toSorted()).toEqual(names.toSorted());
      for (const element of Object.values(def.elements)) expect(element).toMatch(ELEMENT);
    });

    test(
      `${def.name} survives ${CASES} damaged packets`,
      () => damage(def, sampleFrames()),
      TIMEOUT,
    );

    if (capture === undefined) return;
    const path = sharedPath(FOLDER, capture);
    const absent = !hasShared(`${FOLDER}/${capture}`);
    const why = absent ? ` (${NO_SHARED})` : "";
    test.skipIf(absent)(`${def.name} finds in compat mode what ipfixprobe found${why}`, () => {
      const file = readFileSync(sharedPath(FOLDER, "golden", golden ?? def.name), "utf8");
      const expected = file.trimEnd().split("\n");
      const header = expected.find((line) => line.startsWith("ipaddr "))!;
      const lines = protocolText(def, path, header);
      const left = [...expected];
      for (const line of lines) {
        const i = left.indexOf(line);
        if (i >= 0) left.splice(i, 1);
      }
      const total = expected.length - 1;
      process.stdout.write(
        `ipfixprobe: ${total - left.length}/${total} rows of ${def.name} equal\n`,
      );
      if (deviations) expect(left.length).toBe(deviations.rows);
      else expect(lines.toSorted()).toEqual(expected.toSorted());
    });

    test.skipIf(absent)(
      `${def.name} survives ${CASES} damaged packets of a capture${why}`,
      () => damage(def, framesOf(path)),
      TIMEOUT,
    );
  });
}

/** One frame in memory that ends where it ends: a read beyond it throws. */
function single(time: number, bytes: Uint8Array): FrameBatch {
  batch.use(bytes, 1);
  batch.count = 1;
  batch.start[0] = 0;
  batch.captured[0] = bytes.length;
  batch.length[0] = bytes.length;
  batch.time[0] = time;
  return batch;
}

/** The frames of a capture. */
function framesOf(path: string): Frames {
  const frames: [number, Uint8Array][] = [];
  readCapture(path, (batch) => {
    for (let i = 0; i < batch.count; i++) {
      const start = batch.start[i]!;
      frames.push([batch.time[i]!, batch.bytes.slice(start, start + batch.captured[i]!)]);
    }
  });
  return frames;
}

/** Frames of many protocols, made here. */
function sampleFrames(): Frames {
  const talks = conversations().flatMap(([, frames]) => frames.map(({ bytes }) => bytes));
  return [...talks, ...lowerFrames()].map((bytes, i) => [1e15 + i, bytes]);
}

/** Show a protocol copies of frames with bytes changed, parts repeated and ends cut off. */
function damage(def: AnyProtocol, frames: Frames): void {
  const random = new Random(20_261_124);
  const meter = meterWith(def, TIMEOUTS);
  const port = meter.groups[0]!;
  const cursor = reader(port.template) as AnyReader;
  port.link({
    receive: (batch) => {
      cursor.reset(batch);
      // Every field is read, so that one that points outside its record shows.
      while (cursor.next()) plainRecord(cursor, port.template);
    },
    advance: () => {},
    end: () => {},
  });
  for (let i = 0; i < DAMAGED; i++) {
    const [time, frame] = frames[i % frames.length]!;
    const size = random.below(4) === 0 ? 1 + random.below(frame.length) : frame.length;
    // What lies behind the packet belongs to another: a frame that ends its memory gives away who reads it.
    const bytes = new Uint8Array(new ArrayBuffer(size));
    bytes.set(frame.subarray(0, size));
    for (let k = random.below(6); k > 0; k--) change(bytes, random);
    meter.frames(single(time, bytes));
  }
  meter.end();
  expect(cursor.malformed).toBe(0);
}

function change(bytes: Uint8Array, random: Random): void {
  const at = random.below(bytes.length);
  const kind = random.below(8);
  if (kind === 0) bytes.copyWithin(at, random.below(bytes.length), random.below(bytes.length));
  else if (kind < 4) bytes[at] = TELLING[random.below(TELLING.length)]!;
  else bytes[at] = random.below(256);
}
