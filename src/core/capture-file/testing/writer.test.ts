// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaptureWriter, pcapHeader } from "./writer.ts";

test("pcapHeader writes the 24 bytes of the format", () => {
  const hex = Buffer.from(pcapHeader({ linkType: 101 })).toString("hex");
  expect(hex).toBe("d4c3b2a1020004000000000000000000000004006500" + "0000");
});

test("pcapHeader writes the other byte order, and the magic of nanoseconds", () => {
  const hex = Buffer.from(pcapHeader({ bigEndian: true, nanos: true })).toString("hex");
  expect(hex).toBe("a1b23c4d00020004000000000000000000040000000" + "00001");
});

test("CaptureWriter puts time, lengths and bytes of a packet into a record", () => {
  const writer = new CaptureWriter();
  writer.append(1_700_000_000_999_999, Uint8Array.of(1, 2, 3, 4), 3, 60);
  const record = Buffer.from(writer.bytes().subarray(24)).toString("hex");
  expect(record).toBe("00f15365" + "3f420f00" + "03000000" + "3c000000" + "010203");
  expect(writer.packets).toBe(1);
});

test("CaptureWriter keeps a capture that outgrows its buffer", () => {
  const writer = new CaptureWriter();
  const packet = new Uint8Array(65_535).fill(9);
  for (let index = 0; index < 40; index++) writer.append(index, packet);
  expect(writer.bytes().length).toBe(24 + 40 * (16 + 65_535));
  expect(writer.bytes().at(-1)).toBe(9);
});

test("CaptureWriter writes to a descriptor what it writes to memory", () => {
  const path = join(tmpdir(), `nemean-writer-${process.pid}.pcap`);
  const fd = openSync(path, "w");
  try {
    const file = new CaptureWriter({ fd });
    const memory = new CaptureWriter();
    const packet = new Uint8Array(1400).map((_, index) => index);
    for (let index = 0; index < 2000; index++) {
      file.append(index * 1000, packet, 1400 - (index % 7));
      memory.append(index * 1000, packet, 1400 - (index % 7));
    }
    file.flush();
    expect(Buffer.compare(readFileSync(path), memory.bytes())).toBe(0);
  } finally {
    closeSync(fd);
    rmSync(path);
  }
});
