// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

/** Bursts of one direction that are listed. */
const BURSTS_MAX = 15;
/** Packets that make a burst; fewer are forgotten. */
const PACKETS_MIN = 3;
/** Microseconds without a packet that end a burst. */
const GAP_MAX = 1_000_000;
const SYN = 2;

/** Bursts of one direction. The last one, at `count`, is still open and may turn out to be none. */
class Bursts {
  readonly packets = new Uint32Array(BURSTS_MAX);
  readonly bytes = new Uint32Array(BURSTS_MAX);
  /** Microseconds since 1970. */
  readonly start = new Float64Array(BURSTS_MAX);
  readonly stop = new Float64Array(BURSTS_MAX);
  count = 0;
  #open = false;

  reset(): void {
    this.count = 0;
    this.#open = false;
  }

  get full(): boolean {
    return this.count === BURSTS_MAX;
  }

  add({ time, payloadLength }: Packet): void {
    if (this.full) return;
    const i = this.count;
    if (this.#open && time - this.stop[i]! < GAP_MAX) {
      this.packets[i]!++;
      this.bytes[i]! += payloadLength;
      this.stop[i] = time;
      return;
    }
    this.close();
    if (!this.full) this.#begin(time, payloadLength);
  }

  #begin(time: number, bytes: number): void {
    const i = this.count;
    this.#open = true;
    this.packets[i] = 1;
    this.bytes[i] = bytes;
    this.start[i] = time;
    this.stop[i] = time;
  }

  /** Keep the burst that is open if it is one. */
  close(): void {
    if (this.#open && this.packets[this.count]! >= PACKETS_MIN) this.count++;
    this.#open = false;
  }
}

class BothWays implements FlowState {
  readonly ways = [new Bursts(), new Bursts()] as const;
  /** Whether the last packet looked at is the flow's first. */
  isSingle = false;

  /** Whether there are bursts in a flow that has ended. */
  get hasBursts(): boolean {
    for (const way of this.ways) way.close();
    return this.ways[0].count + this.ways[1].count > 0;
  }

  reset(): void {
    this.isSingle = false;
    this.ways[0].reset();
    this.ways[1].reset();
  }
}

export default defineProtocol({
  name: "bstats",
  about: `Bursts: packets with payload less than a second apart, at least ${PACKETS_MIN}; the first ${BURSTS_MAX} each way.`,
  fields: template(
    `uint32* SBI_BRST_PACKETS, uint32* SBI_BRST_BYTES, time* SBI_BRST_TIME_START, time* SBI_BRST_TIME_STOP,
     uint32* DBI_BRST_PACKETS, uint32* DBI_BRST_BYTES, time* DBI_BRST_TIME_START, time* DBI_BRST_TIME_STOP`,
  ),
  elements: {
    SBI_BRST_PACKETS: "e0id291/e8057id1050",
    SBI_BRST_BYTES: "e0id291/e8057id1051",
    SBI_BRST_TIME_START: "e0id291/e8057id1052",
    SBI_BRST_TIME_STOP: "e0id291/e8057id1053",
    DBI_BRST_PACKETS: "e0id291/e8057id1054",
    DBI_BRST_BYTES: "e0id291/e8057id1055",
    DBI_BRST_TIME_START: "e0id291/e8057id1056",
    DBI_BRST_TIME_STOP: "e0id291/e8057id1057",
  },
  watch: { empty: true },
  byDefault: false,
  source: "ipfixprobe's plugin bstats",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new BothWays(),
    onPacket(packet, slot) {
      const { first, payloadLength, reverse, tcpFlags } = packet;
      // ipfixprobe gives empty lists to flows without payload, except to a single SYN: most often a scan.
      const isWanted = payloadLength > 0 || (compat && !(first && (tcpFlags & SYN) !== 0));
      if (!isWanted) return VERDICT.more;
      const state = slot.take();
      state.isSingle = first;
      const { ways } = state;
      if (payloadLength > 0) ways[reverse].add(packet);
      return ways[0].full && ways[1].full ? VERDICT.done : VERDICT.more;
    },
    // ipfixprobe drops flows of one packet when they end, and keeps those without bursts.
    keeps: (state) => (compat ? !state.isSingle : state.hasBursts),
    write({ ways: [source, target] }, record) {
      source.close();
      target.close();
      record.SBI_BRST_PACKETS = source.packets.subarray(0, source.count);
      record.SBI_BRST_BYTES = source.bytes.subarray(0, source.count);
      record.SBI_BRST_TIME_START = source.start.subarray(0, source.count);
      record.SBI_BRST_TIME_STOP = source.stop.subarray(0, source.count);
      record.DBI_BRST_PACKETS = target.packets.subarray(0, target.count);
      record.DBI_BRST_BYTES = target.bytes.subarray(0, target.count);
      record.DBI_BRST_TIME_START = target.start.subarray(0, target.count);
      record.DBI_BRST_TIME_STOP = target.stop.subarray(0, target.count);
    },
  }),
});
