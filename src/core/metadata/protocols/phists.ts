// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

/** Bins: up to 15, then one for each doubling (16-31, 32-63, …), the last one from 1024. */
const BINS = 8;
const SYN = 2;
/** Microseconds in the unit of the gaps, a millisecond. */
const MILLI = 1000;

const bin = (value: number): number =>
  Math.min(Math.max(28 - Math.clz32(Math.min(value, 0x7fff_ffff)), 0), BINS - 1);

class Histograms implements FlowState {
  /** Of both directions, one behind the other. */
  readonly sizes = new Uint32Array(2 * BINS);
  readonly gaps = new Uint32Array(2 * BINS);
  /** Milliseconds since 1970 of a direction's last packet; -1 before the first. */
  readonly last = new Float64Array(2).fill(-1);

  reset(): void {
    this.sizes.fill(0);
    this.gaps.fill(0);
    this.last.fill(-1);
  }
}

export default defineProtocol({
  name: "phists",
  about: "Histograms of payload lengths and of the milliseconds between packets with payload.",
  fields: template(
    "uint32* S_PHISTS_SIZES, uint32* S_PHISTS_IPT, uint32* D_PHISTS_SIZES, uint32* D_PHISTS_IPT",
  ),
  elements: {
    S_PHISTS_SIZES: "e0id291/e8057id1060",
    S_PHISTS_IPT: "e0id291/e8057id1061",
    D_PHISTS_SIZES: "e0id291/e8057id1062",
    D_PHISTS_IPT: "e0id291/e8057id1063",
  },
  watch: { empty: true },
  byDefault: true,
  source: "ipfixprobe's plugin phists",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new Histograms(),
    onPacket(packet, slot) {
      if (packet.payloadLength === 0) {
        // ipfixprobe gives histograms to flows without payload, except to a single SYN: most often a scan.
        if (compat && !(packet.first && (packet.tcpFlags & SYN) !== 0)) slot.take();
        return VERDICT.more;
      }
      const { sizes, gaps, last } = slot.take();
      const base = packet.reverse * BINS;
      sizes[base + bin(packet.payloadLength)]!++;
      const now = Math.floor(packet.time / MILLI);
      const before = last[packet.reverse]!;
      last[packet.reverse] = now;
      // Clocks of captures step back at times: a gap is never negative.
      if (before >= 0) gaps[base + bin(Math.max(0, now - before))]!++;
      return VERDICT.more;
    },
    write({ sizes, gaps }, record) {
      record.S_PHISTS_SIZES = sizes.subarray(0, BINS);
      record.S_PHISTS_IPT = gaps.subarray(0, BINS);
      record.D_PHISTS_SIZES = sizes.subarray(BINS);
      record.D_PHISTS_IPT = gaps.subarray(BINS);
    },
  }),
});
