// SPDX-License-Identifier: BSD-3-Clause
import type { FrameBatch } from "./frames.ts";
import { KIND_ARP, WORD } from "./row.ts";

/** An ARP packet of IPv4 over Ethernet (RFC 826). */
export const ARP = {
  size: 28,
  operation: 6,
  senderMac: 8,
  senderIp: 14,
  targetMac: 18,
  targetIp: 24,
} as const;
/** Ethernet, IPv4, addresses of 6 and 4 bytes: how each such packet begins. */
const START = [0x0001_0800, 0x0604] as const;

/** Where an ARP packet is. */
export interface ArpPlace {
  readonly frame: number;
  readonly at: number;
  readonly limit: number;
  /** As in a row's word. */
  readonly ethernet: number;
  /** Of the key's hash, so that nobody can choose what collides. */
  readonly seed: number;
}

/**
 * Make an ARP packet a row: a flow of protocol 0 between the addresses of sender and target, so that request and
 * answer are one biflow. Returns whether it is one of IPv4 over Ethernet and whole.
 */
export function arpRow(
  { view }: FrameBatch,
  { frame, at, limit, ethernet, seed }: ArpPlace,
  rows: Int32Array,
  z: number,
): boolean {
  if (at + ARP.size > limit) return false;
  if (view.getUint32(at) !== START[0] || view.getUint16(at + 4) !== START[1]) return false;
  const sender = view.getInt32(at + ARP.senderIp, true);
  const target = view.getInt32(at + ARP.targetIp, true);
  const low = Math.min(sender, target);
  const high = Math.max(sender, target);
  rows.fill(0, z, z + WORD.spare);
  const hash = Math.imul(Math.imul(low ^ seed, 0x9e3779b1) ^ high, 0x85ebca6b);
  rows[z + WORD.hash] = hash ^ (hash >>> 15);
  rows[z + WORD.kind] = KIND_ARP;
  rows[z + WORD.low] = low;
  rows[z + WORD.high] = high;
  rows[z + WORD.direction] = sender === low ? 0 : 1;
  rows[z + WORD.bytes] = ARP.size;
  rows[z + WORD.ip] = at;
  rows[z + WORD.transport] = at + ARP.size;
  rows[z + WORD.end] = at + ARP.size;
  rows[z + WORD.ethernet] = ethernet;
  rows[z + WORD.frame] = frame;
  return true;
}
