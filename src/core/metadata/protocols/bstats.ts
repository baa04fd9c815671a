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

/** Most flows have no burst, and so no lists. */
const NONE: readonly number[] = [];

/** Bursts of one direction: those that are kept, and one that is open and may turn out to be none. */
class Bursts {
  packets = NONE;
  bytes = NONE;
  /** Microseconds since 1970. */
  start = NONE;
  stop = NONE;
  #packets = 0;
  #bytes = 0;
  #start = 0;
  #stop = 0;

  reset(): void {
    this.packets = this.bytes = this.start = this.stop = NONE;
    this.#packets = 0;
  }

  get full(): boolean {
    return this.packets.length === BURSTS_MAX;
  }

  add({ time, payloadLength }: Packet): void {
    if (this.#packets > 0 && time - this.#stop >= GAP_MAX) this.close();
    if (this.full) return;
    if (this.#packets === 0) {
      this.#bytes = 0;
      this.#start = time;
    }
    this.#packets++;
    this.#bytes += payloadLength;
    this.#stop = time;
  }

  /** Keep the burst that is open if it is one. */
  close(): void {
    if (this.#packets >= PACKETS_MIN && !this.full) this.#keep();
    this.#packets = 0;
  }

  #keep(): void {
    this.packets = [...this.packets, this.#packets];
    this.bytes = [...this.bytes, this.#bytes];
    this.start = [...this.start, this.#start];
    this.stop = [...this.stop, this.#stop];
  }
}

class BothWays implements FlowState {
  readonly ways = [new Bursts(), new Bursts()] as const;
  /** Whether the last packet looked at is the flow's first. */
  isSingle = false;

  /** Whether there are bursts in a flow that has ended. */
  get hasBursts(): boolean {
    for (const way of this.ways) way.close();
    return this.ways.some(({ packets }) => packets.length > 0);
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
  watch: { empty: "compat" },
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
      record.SBI_BRST_PACKETS = source.packets;
      record.SBI_BRST_BYTES = source.bytes;
      record.SBI_BRST_TIME_START = source.start;
      record.SBI_BRST_TIME_STOP = source.stop;
      record.DBI_BRST_PACKETS = target.packets;
      record.DBI_BRST_BYTES = target.bytes;
      record.DBI_BRST_TIME_START = target.start;
      record.DBI_BRST_TIME_STOP = target.stop;
    },
  }),
});
