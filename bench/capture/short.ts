// SPDX-License-Identifier: BSD-3-Clause
import { conversations, type Frame } from "../../src/core/metadata/testing/conversations.ts";
import { PcapWriter } from "./pcap-writer.ts";
import { Random } from "./random.ts";

export interface ShortParams {
  readonly conversations: number;
  readonly seed: number;
}

export interface ShortTruth {
  packets: number;
  flows: number;
}

const START_MICROSECONDS = 1_700_000_000e6;
const SNAPSHOT_LENGTH = 65_535;
/** Microseconds from packet to packet: 50,000 a second, so that flows leave while others come. */
const STEP = 20;
/** Conversations that go on at the same time. */
const OPEN = 4096;
/** Where an IPv4 frame has its addresses and ports. */
const AT = { source: 26, target: 30, sourcePort: 34, targetPort: 36 } as const;

/** One that goes on: who, and which frame is next. */
interface Open {
  frames: readonly Frame[];
  next: number;
  client: number;
  port: number;
}

/**
 * Writes a capture of short conversations with payload, 2 to 9 packets each, a few thousand at a time: what costs
 * plugins most, since each flow is new to them. Each conversation has a client address and port of its own.
 *
 * @returns what a meter must count, and the size of the file in bytes
 */
export function writeShort(path: string, params: ShortParams): { truth: ShortTruth; size: number } {
  const random = new Random(params.seed);
  const deck = conversations().flatMap(([share, frames]) => new Array(share).fill(frames));
  const writer = new PcapWriter(path, SNAPSHOT_LENGTH);
  let begun = 0;
  let packets = 0;
  const begin = (): Open => {
    const id = begun++;
    const frames = deck[random.below(deck.length)] as readonly Frame[];
    return { frames, next: 0, client: 0x0a00_0000 + (id >>> 4), port: 40_000 + (id & 15) };
  };
  const open = Array.from({ length: Math.min(OPEN, params.conversations) }, begin);
  while (open.length > 0) {
    const i = random.below(open.length);
    const one = open[i]!;
    write(writer, one, START_MICROSECONDS + STEP * packets++);
    if (one.next < one.frames.length) continue;
    if (begun < params.conversations) open[i] = begin();
    else {
      // The last one takes the place of the one that has ended.
      const last = open.pop()!;
      if (i < open.length) open[i] = last;
    }
  }
  writer.close();
  return { truth: { packets, flows: begun }, size: writer.size };
}

function write(writer: PcapWriter, one: Open, time: number): void {
  const { side, bytes } = one.frames[one.next++]!;
  const at = writer.begin(time, bytes.length, bytes.length);
  writer.bytes.set(bytes, at);
  writer.view.setUint32(at + (side === 0 ? AT.source : AT.target), one.client);
  writer.view.setUint16(at + (side === 0 ? AT.sourcePort : AT.targetPort), one.port);
}
