// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { netflow5 } from "../../core/ipfix/collect/testing/messages.ts";
import { PacketDecoder } from "../../core/packet/decoder.ts";
import { batchOf, ETHERTYPE, ethernet, ipv4, udp } from "../../core/packet/test-kit.ts";
import { ExportTraffic } from "./export-traffic.ts";

const MESSAGE = [...new Uint8Array(netflow5([]).buffer)];
/** A datagram to a port. */
const to = (port: number, payload = MESSAGE): readonly number[] =>
  ethernet(ETHERTYPE.ipv4, ipv4(udp(50_000, port, payload), { source: "192.0.2.9" }));

/** What it makes of frames: exporter, bytes and time of each message, and its counters. */
function taken(frames: readonly (readonly number[])[], ports?: readonly number[]) {
  const messages: unknown[] = [];
  const traffic = new ExportTraffic(
    (_, exporter, length, arrivedAt) => messages.push([exporter.name, length, arrivedAt]),
    ports,
  );
  const decoder = new PacketDecoder();
  const batch = batchOf(frames);
  decoder.decode(batch);
  traffic.take(decoder, batch);
  return { messages, counts: traffic.counts };
}

test("ExportTraffic takes messages to any port, or to those that it is told, and when each came", () => {
  const frames = [to(2055), to(53)];
  expect(taken(frames).messages).toEqual([
    ["192.0.2.9", 24, 1e15],
    ["192.0.2.9", 24, expect.any(Number)],
  ]);
  expect(taken(frames, [2055, 4739])).toMatchObject({
    messages: [["192.0.2.9", 24, 1e15]],
    counts: { datagrams: 1, datagrams_truncated: 0 },
  });
});

test("ExportTraffic passes what does not begin as flow export does, and what is too short to", () => {
  expect(taken([to(2055, [0x41, 0x41, 0x41, 0x41]), to(2055, [0])]).messages).toEqual([]);
});
