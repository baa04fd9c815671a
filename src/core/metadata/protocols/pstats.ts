// SPDX-License-Identifier: BSD-3-Clause
import { part } from "../../unirec/list-write.ts";
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

/** Packets of a flow that are listed. */
const PACKETS_MAX = 30;
/** Longest length that the field can say; a segment that the network card has put together is longer. */
const LENGTH_MAX = 0xffff;
const SYN = 2;

/** Flows whose lists share arrays: an array a flow costs more than what is in it. */
const FLOWS = 1024;

/** The lists of many flows. */
class Lists {
  readonly lengths = new Uint16Array(FLOWS * PACKETS_MAX);
  /** Microseconds since 1970. */
  readonly times = new Float64Array(FLOWS * PACKETS_MAX);
  readonly flags = new Uint8Array(FLOWS * PACKETS_MAX);
  readonly directions = new Int8Array(FLOWS * PACKETS_MAX);
  flows = 0;
}

/** The list of a flow: a part of {@link Lists}. */
class PacketList implements FlowState {
  readonly lists: Lists;
  readonly from: number;
  /** Behind the last packet. */
  to: number;

  constructor(lists: Lists) {
    this.lists = lists;
    this.from = lists.flows++ * PACKETS_MAX;
    this.to = this.from;
  }

  reset(): void {
    this.to = this.from;
  }

  add({ payloadLength, time, tcpFlags, reverse }: Packet): void {
    const { lengths, times, flags, directions } = this.lists;
    const i = this.to++;
    lengths[i] = Math.min(payloadLength, LENGTH_MAX);
    times[i] = time;
    flags[i] = tcpFlags;
    directions[i] = reverse === 0 ? 1 : -1;
  }

  get isFull(): boolean {
    return this.to - this.from === PACKETS_MAX;
  }
}

export default defineProtocol({
  name: "pstats",
  about: `Payload length, time, TCP flags and direction of the first ${PACKETS_MAX} packets with payload.`,
  fields: template(
    "uint16* PPI_PKT_LENGTHS, time* PPI_PKT_TIMES, uint8* PPI_PKT_FLAGS, int8* PPI_PKT_DIRECTIONS",
  ),
  elements: {
    PPI_PKT_LENGTHS: "e0id291/e8057id1013",
    PPI_PKT_TIMES: "e0id291/e8057id1014",
    PPI_PKT_FLAGS: "e0id291/e8057id1015",
    PPI_PKT_DIRECTIONS: "e0id291/e8057id1016",
  },
  watch: { empty: "compat" },
  byDefault: true,
  source: "ipfixprobe's plugin pstats",
  setup({ compat }: PluginOptions) {
    let lists = new Lists();
    return {
      create() {
        if (lists.flows === FLOWS) lists = new Lists();
        return new PacketList(lists);
      },
      onPacket(packet, slot) {
        if (packet.payloadLength === 0) {
          // ipfixprobe gives empty lists to flows without payload, except to a single SYN: most often a scan.
          if (compat && !(packet.first && (packet.tcpFlags & SYN) !== 0)) slot.take();
          return VERDICT.more;
        }
        const state = slot.take();
        state.add(packet);
        return state.isFull ? VERDICT.done : VERDICT.more;
      },
      write({ lists, from, to }, record) {
        record.PPI_PKT_LENGTHS = part(lists.lengths, from, to);
        record.PPI_PKT_TIMES = part(lists.times, from, to);
        record.PPI_PKT_FLAGS = part(lists.flags, from, to);
        record.PPI_PKT_DIRECTIONS = part(lists.directions, from, to);
      },
    };
  },
});
