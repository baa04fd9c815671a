// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { array, assert, boolean, integer, property, record, tuple } from "fast-check";
import type { Batch } from "../batch.ts";
import { parseTemplate } from "../unirec/template.ts";
import { anyTable, batchOf, packed } from "../unirec/test-kit.ts";
import { FILE_HEADER } from "./container.ts";
import { decodeHello } from "./hello.ts";
import { Folder, fileOf, hex, openFile, readFiles } from "./testing/file-kit.ts";

const recordsOf = ({ bytes, view, start, length }: Batch): Uint8Array[] => {
  const records: Uint8Array[] = [];
  for (let at = start; at < start + length; at += 2 + view.getUint16(at))
    records.push(bytes.slice(at + 2, at + 2 + view.getUint16(at)));
  return records;
};

test("file output and input give back any records, however they are cut into batches", () => {
  using folder = new Folder();
  const cut = record({
    // A hello without fields says nothing.
    table: anyTable(6).filter(({ template }) => template.spec !== ""),
    sizes: array(integer({ min: 0, max: 4 })),
    buffer: boolean(),
  });
  assert(
    property(cut, ({ table: { template, rows }, sizes, buffer }) => {
      // A record of up to one byte ends the stream.
      const records = recordsOf(packed(template, rows)).filter(({ length }) => length > 1);
      const output = openFile(`f:${folder.file("x")}:buffer=${buffer ? "on" : "off"}`);
      output.announce(template);
      let at = 0;
      for (const size of sizes) {
        output.receive(batchOf(...records.slice(at, at + size)));
        at += size;
      }
      output.finish(batchOf(...records.slice(at)));
      const read = readFiles(folder.file("x"));
      expect(read.messages).toEqual(records.map(hex));
      expect(read.layouts).toEqual([`unirec ${template.spec}`]);
      expect(read).toMatchObject({ ends: 1, lines: [], stats: { malformed: 0 } });
    }),
    { seed: 3, numRuns: 25 },
  );
});

/** What a file holds by the letter of the format, read in the plainest way. */
function messagesOf(bytes: Buffer, containerMax: number): string[] {
  const messages: string[] = [];
  const hello = decodeHello(bytes, 0, bytes.length);
  if (!("layout" in hello) || !hello.layout) return messages;
  for (let at = hello.size; at + FILE_HEADER <= bytes.length; ) {
    const length = bytes.readUint32BE(at);
    if (length > containerMax) break;
    at += FILE_HEADER;
    const end = Math.min(at + length, bytes.length);
    for (let message = at; message + 2 <= end; ) {
      const size = bytes.readUint16BE(message);
      if (message + 2 + size > end) break;
      if (size <= 1) return messages;
      messages.push(hex(bytes.subarray(message + 2, message + 2 + size)));
      message += 2 + size;
    }
    at += length;
  }
  return messages;
}

test("file input survives damage, and delivers nothing from outside of a container", () => {
  using folder = new Folder();
  const layout = parseTemplate("uint32 A,string S");
  const batch = (from: number): Batch =>
    packed(
      layout,
      Array.from({ length: 3 }, (_, i) => ({ A: from + i, S: "text".repeat(i) })),
    );
  const valid = fileOf(layout, batch(0), batch(3), batch(6));
  const path = folder.file("x");
  const containerMax = 100_000;
  const damage = tuple(
    array(tuple(integer({ min: 0, max: valid.length - 1 }), integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    }),
    integer({ min: 0, max: 2 * valid.length }),
  );
  let broken = 0;
  assert(
    property(damage, ([bytes, length]) => {
      const file = Buffer.from(valid.subarray(0, length));
      for (const [at, byte] of bytes) if (at < file.length) file[at] = byte;
      writeFileSync(path, file);
      const read = readFiles(path, { containerMax });
      expect(read.messages).toEqual(messagesOf(file, containerMax));
      expect(read.ends).toBe(1);
      broken += read.stats.malformed;
    }),
    { seed: 4, numRuns: 2000 },
  );
  expect(broken).toBeGreaterThan(500);
});
