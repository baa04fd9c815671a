// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

/** Packets of a flow that are listed. */
const PACKETS_MAX = 30;
/** Longest length that the field can say; a segment that the network card has put together is longer. */
const LENGTH_MAX = 0xffff;
const SYN = 2;

class PacketList implements FlowState {
  readonly lengths = new Uint16Array(PACKETS_MAX);
  /** Microseconds since 1970. */
  readonly times = new Float64Array(PACKETS_MAX);
  readonly flags = new Uint8Array(PACKETS_MAX);
  readonly directions = new Int8Array(PACKETS_MAX);
  count = 0;

  reset(): void {
    this.count = 0;
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
  watch: { empty: true },
  byDefault: true,
  source: "ipfixprobe's plugin pstats",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new PacketList(),
    onPacket(packet, slot) {
      if (packet.payloadLength === 0) {
        // ipfixprobe gives empty lists to flows without payload, except to a single SYN: most often a scan.
        if (compat && !(packet.first && (packet.tcpFlags & SYN) !== 0)) slot.take();
        return VERDICT.more;
      }
      const state = slot.take();
      const i = state.count++;
      state.lengths[i] = Math.min(packet.payloadLength, LENGTH_MAX);
      state.times[i] = packet.time;
      state.flags[i] = packet.tcpFlags;
      state.directions[i] = packet.reverse === 0 ? 1 : -1;
      return state.count === PACKETS_MAX ? VERDICT.done : VERDICT.more;
    },
    write({ lengths, times, flags, directions, count }, record) {
      record.PPI_PKT_LENGTHS = lengths.subarray(0, count);
      record.PPI_PKT_TIMES = times.subarray(0, count);
      record.PPI_PKT_FLAGS = flags.subarray(0, count);
      record.PPI_PKT_DIRECTIONS = directions.subarray(0, count);
    },
  }),
});
