// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Packet } from "./packet.ts";
import { Segments } from "./segments.ts";

/** A packet of which nothing but sequence number and payload size matters. */
function segment(sequence: number, size: number): Packet {
  const packet = new Packet();
  packet.view = new DataView(new ArrayBuffer(20 + size));
  packet.view.setUint32(4, sequence);
  packet.payload = 20;
  packet.end = 20 + size;
  return packet;
}

/** New bytes and missing ones of each segment. */
function seen(parts: readonly (readonly [sequence: number, size: number])[]): [number, number][] {
  const segments = new Segments();
  return parts.map(([sequence, size]) => {
    const packet = segment(sequence >>> 0, size);
    const at = segments.take(packet);
    return [packet.end - at, segments.missed];
  });
}

test("Segments takes what follows, and of a repeat what is new", () => {
  const parts = [
    [100, 10],
    [110, 5],
    [105, 10],
    [115, 6],
  ] as const;
  expect(seen([...parts, [100, 21]])).toEqual([
    [10, 0],
    [5, 0],
    [0, 0],
    [6, 0],
    [0, 0],
  ]);
  expect(seen([...parts, [112, 20]]).at(-1)).toEqual([11, 0]);
});

test("Segments counts bytes that are missing, and takes late ones for a repeat", () => {
  const late = [
    [100, 10],
    [130, 10],
    [110, 20],
    [140, 1],
  ] as const;
  expect(seen(late)).toEqual([
    [10, 0],
    [10, 20],
    [0, 0],
    [1, 0],
  ]);
});

test("Segments goes on where sequence numbers begin again", () => {
  const around = [
    [-4, 8],
    [4, 3],
    [-2, 9],
    [17, 2],
  ] as const;
  expect(seen(around)).toEqual([
    [8, 0],
    [3, 0],
    [0, 0],
    [2, 10],
  ]);
});

test("Segments begins anew after a reset", () => {
  const segments = new Segments();
  segments.take(segment(100, 10));
  segments.reset();
  expect(segments.take(segment(50, 10))).toBe(20);
  expect(segments.missed).toBe(0);
});
