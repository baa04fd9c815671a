// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

/** Where the addresses of IP headers stand, and their size. */
const V4 = { source: 12, target: 16, size: 4 } as const;
const V6 = { source: 8, target: 24, size: 16 } as const;

class FlowId implements FlowState {
  /** The upper and the lower half. */
  high = 0;
  low = 0;

  reset(): void {
    this.high = 0;
    this.low = 0;
  }

  /** Take 32 bits in: a round of MurmurHash3 for each half, with factors of their own. */
  mix(word: number): void {
    this.high = round(this.high, word, 0xcc9e2d51, 0x1b873593);
    this.low = round(this.low, word, 0x239b961b, 0xab0e9789);
  }

  finish(): void {
    this.high = avalanche(this.high);
    this.low = avalanche(this.low ^ this.high);
  }
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

function round(hash: number, word: number, first: number, second: number): number {
  const mixed = Math.imul(rotate(Math.imul(word, first), 15), second);
  return (Math.imul(rotate(hash ^ mixed, 13), 5) + 0xe6546b64) | 0;
}

function avalanche(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Whether the sender's address and port are above the receiver's. */
function isDescending(packet: Packet, { source, target, size }: typeof V4 | typeof V6): boolean {
  const { view, ip } = packet;
  for (let i = 0; i < size; i += 4) {
    const order = view.getUint32(ip + source + i) - view.getUint32(ip + target + i);
    if (order !== 0) return order > 0;
  }
  return packet.sourcePort > packet.targetPort;
}

/** Hash of the flow key, the same for both directions. */
function hashKey(packet: Packet, id: FlowId): void {
  const { view, ip, sourcePort, targetPort } = packet;
  const key = packet.isV6 ? V6 : V4;
  if (ip + key.target + key.size > packet.end) return;
  const swapped = isDescending(packet, key);
  const first = ip + (swapped ? key.target : key.source);
  const second = ip + (swapped ? key.source : key.target);
  for (let i = 0; i < key.size; i += 4) id.mix(view.getInt32(first + i));
  for (let i = 0; i < key.size; i += 4) id.mix(view.getInt32(second + i));
  id.mix(swapped ? (targetPort << 16) | sourcePort : (sourcePort << 16) | targetPort);
  id.mix((key.size << 8) | packet.protocol);
  id.finish();
}

export default defineProtocol({
  name: "flowhash",
  about: "A number for the flow key, the same in both directions and at every observation point.",
  fields: template("uint64 FLOW_ID"),
  elements: { FLOW_ID: "e0id148" },
  watch: { empty: true },
  byDefault: false,
  source: "RFC 7012, flowId; MurmurHash3's mixing, by Austin Appleby, public domain",
  setup: () => ({
    create: () => new FlowId(),
    onPacket(packet, slot) {
      hashKey(packet, slot.take());
      return VERDICT.done;
    },
    write({ high, low }, record) {
      record.FLOW_ID = (BigInt(high) << 32n) | BigInt(low);
    },
  }),
});
