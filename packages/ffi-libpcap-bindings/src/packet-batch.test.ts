// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { CaptureFolder, captureFile, udpFrame } from "../fixtures/capture-file.ts";
import { describeWithLibpcap } from "../fixtures/requirements.ts";
import { openOffline } from "./open.ts";
import { PacketBatch, type PacketColumns } from "./packet-batch.ts";
import type { Pcap } from "./pcap.ts";

interface Row {
  readonly bytes: Uint8Array;
  readonly time: number;
  readonly length: number;
}

const rows = (batch: PacketColumns): Row[] =>
  Array.from({ length: batch.count }, (_, i) => ({
    bytes: batch.bytes.slice(batch.start[i]!, batch.start[i]! + batch.captured[i]!),
    time: batch.time[i]!,
    length: batch.length[i]!,
  }));

function readAll(pcap: Pcap, batch: PacketColumns): Row[] {
  const all: Row[] = [];
  while (pcap.readBatch(batch) > 0) all.push(...rows(batch));
  return all;
}

describeWithLibpcap("Pcap.readBatch", () => {
  const folder = new CaptureFolder();
  afterAll(() => folder[Symbol.dispose]());

  test("gives the same packets whatever the size of the batch", () => {
    const packet = fc.record({
      bytes: fc.uint8Array({ maxLength: 200 }),
      time: fc.integer({ min: 0, max: 2 ** 41 }),
      length: fc.integer({ min: 0, max: 0x7fffffff }),
    });
    fc.assert(
      fc.property(
        fc.array(packet, { maxLength: 40 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 200, max: 1000 }),
        (packets, packetsMax, bytesMax) => {
          using pcap = openOffline(folder.write(captureFile(packets)));
          expect(readAll(pcap, new PacketBatch(packetsMax, bytesMax))).toEqual(packets);
          expect(pcap.ended).toBe(true);
        },
      ),
      { seed: 1, numRuns: 60 },
    );
  });

  test("fills any object with the columns, whose shortest bounds the count", () => {
    const frames = [1, 2, 3].map((port) => ({ bytes: udpFrame(port, 53), time: port, length: 62 }));
    using pcap = openOffline(folder.write(captureFile(frames)));
    const batch = {
      bytes: new Uint8Array(new SharedArrayBuffer(4096), 100),
      count: 7,
      start: new Int32Array(9),
      captured: new Int32Array(2),
      length: new Int32Array(9),
      time: new Float64Array(9),
    };
    expect(pcap.readBatch(batch)).toBe(2);
    expect(rows(batch)).toEqual(frames.slice(0, 2));
    expect(pcap.readBatch(batch)).toBe(1);
    expect(pcap.readBatch(batch)).toBe(0);
    expect(batch.count).toBe(0);
  });

  test("keeps a packet that no batch can hold next in line", () => {
    const frames = [{ bytes: udpFrame(1, 2, 500), time: 5, length: 542 }];
    using pcap = openOffline(folder.write(captureFile(frames)));
    expect(() => pcap.readBatch(new PacketBatch(8, 541))).toThrow(
      "a packet of 542 bytes does not fit a batch of 541",
    );
    expect(() => pcap.bytes).toThrow(expect.objectContaining({ code: "ERR_PCAP_NO_PACKET" }));
    expect(pcap.wait(60_000)).toBe(true);
    expect(readAll(pcap, new PacketBatch(8, 542))).toEqual(frames);
  });

  test("mixes with next, which takes over at the packet that did not fit", () => {
    const frames = [1, 2, 3].map((port) => ({ bytes: udpFrame(port, 53) }));
    using pcap = openOffline(folder.write(captureFile(frames)));
    expect(pcap.readBatch(new PacketBatch(8, 100))).toBe(1);
    expect(pcap.next()).toBe(true);
    expect(pcap.bytes).toEqual(frames[1]!.bytes);
    expect(pcap.next()).toBe(true);
    expect(pcap.bytes).toEqual(frames[2]!.bytes);
  });

  test("writes into a small array that Bun has moved", () => {
    const frames = [7, 8].map((port) => ({ bytes: udpFrame(port, 53), time: port, length: 62 }));
    using pcap = openOffline(folder.write(captureFile(frames)));
    const batch = {
      bytes: new Uint8Array(62),
      count: 0,
      start: new Int32Array(1),
      captured: new Int32Array(1),
      length: new Int32Array(1),
      time: new Float64Array(1),
    };
    expect(pcap.readBatch(batch)).toBe(1);
    // Asking for the buffer of an array that had none moves its bytes.
    expect(batch.bytes.buffer.byteLength).toBe(62);
    expect(pcap.readBatch(batch)).toBe(1);
    expect(rows(batch)).toEqual([frames[1]!]);
  });

  test("PacketBatch rejects a size that holds nothing", () => {
    expect(() => new PacketBatch(0)).toThrow("packetsMax: expected an integer");
    expect(() => new PacketBatch(1, 0)).toThrow("bytesMax: expected an integer");
  });
});
