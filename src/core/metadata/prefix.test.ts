// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Packet } from "./packet.ts";
import { Prefix, PrefixPool } from "./prefix.ts";

/** A segment of a TCP direction: its sequence number and payload. */
function segment(sequence: number, payload: Uint8Array, syn = false): Packet {
  const packet = new Packet();
  const buffer = new ArrayBuffer(20 + payload.length);
  packet.bytes = new Uint8Array(buffer);
  packet.bytes.set(payload, 20);
  packet.view = new DataView(buffer);
  packet.view.setUint32(4, sequence);
  packet.transport = 0;
  packet.payload = 20;
  packet.end = 20 + payload.length;
  packet.tcpFlags = syn ? 2 : 16;
  return packet;
}

const STREAM = Uint8Array.from({ length: 300 }, (_, i) => i & 255);
const part = (from: number, to: number, base = 1000): Packet =>
  segment((base + from) >>> 0, STREAM.subarray(from, to));
const kept = (prefix: Prefix): number[] => [...prefix.bytes.subarray(0, prefix.length)];

test("Prefix puts segments in order, passes over repeats, waits for what is missing", () => {
  const prefix = new Prefix(300);
  expect(prefix.take(part(0, 10))).toBe(true);
  expect(prefix.take(part(20, 30))).toBe(false);
  expect(prefix.take(part(5, 10))).toBe(false);
  expect(prefix.take(part(30, 40))).toBe(false);
  expect(prefix.take(part(8, 20))).toBe(true);
  expect(kept(prefix)).toEqual([...STREAM.subarray(0, 40)]);
});

test("Prefix keeps no more than its bound", () => {
  const prefix = new Prefix(25);
  prefix.take(part(0, 20));
  prefix.take(part(20, 300));
  expect([prefix.length, prefix.full]).toEqual([25, true]);
  expect(prefix.take(part(300, 300))).toBe(false);
});

test("Prefix counts on from the largest sequence number", () => {
  const prefix = new Prefix(100);
  prefix.take(part(0, 10, 2 ** 32 - 5));
  prefix.take(part(10, 20, 2 ** 32 - 5));
  expect(kept(prefix)).toEqual([...STREAM.subarray(0, 20)]);
});

test("Prefix begins behind a SYN, with data in it or not", () => {
  const prefix = new Prefix(100);
  prefix.take(segment(999, new Uint8Array(0), true));
  prefix.take(part(0, 10));
  expect(kept(prefix)).toEqual([...STREAM.subarray(0, 10)]);
  prefix.reset();
  prefix.take(segment(999, STREAM.subarray(0, 4), true));
  prefix.take(part(4, 10));
  expect(kept(prefix)).toEqual([...STREAM.subarray(0, 10)]);
});

test("Prefix never has a byte that is not the stream's, whatever comes in which order", () => {
  const cut = fc
    .tuple(fc.nat(290), fc.nat(60))
    .map(([from, size]) => [from, Math.min(from + size, 300)] as const);
  fc.assert(
    fc.property(fc.array(cut, { maxLength: 30 }), (cuts) => {
      const prefix = new Prefix(200);
      prefix.take(part(0, 1));
      for (const [from, to] of cuts) prefix.take(part(from, to));
      expect(kept(prefix)).toEqual([...STREAM.subarray(0, prefix.length)]);
    }),
    { numRuns: 500, seed: 8 },
  );
});

test("PrefixPool gives as many as it may, empty ones, and those that came back", () => {
  const pool = new PrefixPool(300, 2);
  const first = pool.take()!;
  first.take(part(0, 10));
  expect(pool.take()).toBeDefined();
  expect(pool.take()).toBeUndefined();
  pool.give(first);
  expect(pool.take()).toBe(first);
  expect(first.length).toBe(0);
});
