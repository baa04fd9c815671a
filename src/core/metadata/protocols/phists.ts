// SPDX-License-Identifier: BSD-3-Clause
import { part } from "../../unirec/list-write.ts";
import { template } from "../../unirec/template.ts";
import type { Packet } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

/** Bins: up to 15, then one for each doubling (16-31, 32-63, …), the last one from 1024. */
const BINS = 8;
const SYN = 2;
/** Microseconds in the unit of the gaps, a millisecond. */
const MILLI = 1000;

const bin = (value: number): number =>
  Math.min(Math.max(28 - Math.clz32(Math.min(value, 0x7fff_ffff)), 0), BINS - 1);

/** Of a flow: sizes and gaps of one direction, then of the other. */
const COUNTS = 4 * BINS;
/** Flows whose histograms share an array: an array a flow costs more than what is in it. */
const FLOWS = 1024;

class Histograms implements FlowState {
  /** Counts of many flows; those of this one begin at `from`. */
  readonly counts: Uint32Array;
  readonly from: number;
  /** Milliseconds since 1970 of a direction's last packet; -1 before the first. */
  readonly last: [number, number] = [-1, -1];

  constructor(counts: Uint32Array, from: number) {
    this.counts = counts;
    this.from = from;
  }

  reset(): void {
    const end = this.from + COUNTS;
    for (let i = this.from; i < end; i++) this.counts[i] = 0;
    this.last[0] = -1;
    this.last[1] = -1;
  }

  add({ reverse, payloadLength, time }: Packet): void {
    const sizes = this.from + reverse * 2 * BINS;
    this.counts[sizes + bin(payloadLength)]!++;
    const now = Math.floor(time / MILLI);
    const before = this.last[reverse];
    this.last[reverse] = now;
    // Clocks of captures step back at times: a gap is never negative.
    if (before >= 0) this.counts[sizes + BINS + bin(Math.max(0, now - before))]!++;
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
  watch: { empty: "compat" },
  byDefault: true,
  source: "ipfixprobe's plugin phists",
  setup({ compat }: PluginOptions) {
    let counts = new Uint32Array(FLOWS * COUNTS);
    let used = 0;
    return {
      create() {
        if (used === counts.length) {
          counts = new Uint32Array(FLOWS * COUNTS);
          used = 0;
        }
        used += COUNTS;
        return new Histograms(counts, used - COUNTS);
      },
      onPacket(packet, slot) {
        if (packet.payloadLength === 0) {
          // ipfixprobe gives histograms to flows without payload, except to a single SYN: most often a scan.
          if (compat && !(packet.first && (packet.tcpFlags & SYN) !== 0)) slot.take();
          return VERDICT.more;
        }
        slot.take().add(packet);
        return VERDICT.more;
      },
      write({ counts, from }, record) {
        record.S_PHISTS_SIZES = part(counts, from, from + BINS);
        record.S_PHISTS_IPT = part(counts, from + BINS, from + 2 * BINS);
        record.D_PHISTS_SIZES = part(counts, from + 2 * BINS, from + 3 * BINS);
        record.D_PHISTS_IPT = part(counts, from + 3 * BINS, from + COUNTS);
      },
    };
  },
});
