// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams } from "../testing/text-frames.ts";
import ssadetector from "./ssadetector.ts";

testProtocol(ssadetector, { capture: "ovpn.pcap" });

type Sizes = readonly (readonly [side: 0 | 1, size: number])[];

/** A first packet of a length that counts, and others until the flow is long enough. */
const START: Sizes = Array.from({ length: 30 }, (_, i) => [0, i === 0 ? 150 : 1000]);
const PAUSE = 10_000_000;
const handshake = (syn: number, synAck: number, ack: number): Sizes => [
  [0, syn],
  [1, synAck],
  [0, ack],
];
const times = (count: number, sizes: Sizes): Sizes[] => Array.from({ length: count }, () => sizes);

/** What is said of a flow of rounds, which have ten seconds between them; `gap` is between packets. */
function level(rounds: readonly Sizes[], { compat = false, gap = 1000 } = {}) {
  const all = rounds.flatMap((sizes, round) => sizes.map((packet) => [round, packet] as const));
  const texts = all.map(([, [side, size]]) => [side, "x".repeat(size)] as const);
  const frames = datagrams(texts, 1194).map(
    ([time, frame], i) => [time + i * gap + all[i]![0] * PAUSE, frame] as const,
  );
  return protocolRows(ssadetector, frames, { compat }).map((row) => row["SSA_CONF_LEVEL"]);
}

test("ssadetector suspects a flow with three handshakes of one length", () => {
  expect(level([START, ...times(3, handshake(80, 85, 85))])).toEqual([1]);
  expect(level([START, ...times(2, handshake(80, 85, 85))])).toEqual([0]);
});

test("ssadetector wants an answer within three seconds", () => {
  const rounds = [START.slice(0, 1), ...times(13, handshake(80, 85, 85))];
  expect(level(rounds, { gap: 2_900_000 })).toEqual([1]);
  expect(level(rounds, { gap: 3_100_000 })).toEqual([0]);
});

test("ssadetector wants three packets to a handshake, in compat mode two", () => {
  const rounds = [START, ...times(3, handshake(80, 85, 85).slice(0, 2))];
  expect(level(rounds)).toEqual([0]);
  expect(level(rounds, { compat: true })).toEqual([1]);
});

test("ssadetector takes no shorter packet for an answer, nor a much longer one", () => {
  for (const [syn, synAck, ack, expected] of [
    [80, 80, 80, 1],
    [80, 79, 80, 0],
    [80, 90, 102, 1],
    [80, 91, 91, 0],
    [80, 90, 103, 0],
    [60, 60, 60, 1],
    [59, 60, 60, 0],
    [150, 150, 150, 1],
    [150, 150, 151, 0],
  ] as const)
    expect(level([START, ...times(4, handshake(syn, synAck, ack))])).toEqual([expected]);
});

test("ssadetector holds handshakes of many lengths for chance", () => {
  const lengths = [80, 81, 82].map((size) => handshake(size, size, size));
  expect(level([START, ...lengths])).toEqual([0]);
  expect(level([START, ...lengths, ...lengths])).toEqual([1]);
});

test("ssadetector says nothing of a flow of 30 packets", () => {
  const rounds = times(3, handshake(80, 85, 85));
  expect(level([START.slice(0, 21), ...rounds])).toEqual([0]);
  // It counts from the packet on that may belong to a handshake.
  expect(level([START.slice(1), ...rounds])).toEqual([0]);
});
