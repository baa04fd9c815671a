// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";

const SYN = 2;
const TCP_HEADER = 20;
/** TCP options (RFC 9293 section 3.1). */
const OPTION = { end: 0, none: 1, segmentSize: 2 } as const;
/** Kinds that the set of options can say. */
const KINDS = 64;

/** What headers say of one direction. */
class Headers {
  seen = false;
  ttl = 0;
  flags = 0;
  window = 0;
  segmentSize = 0;
  /** Option kinds as a set: the lower and the upper word. */
  low = 0;
  high = 0;

  reset(): void {
    this.seen = false;
    this.ttl = 0;
    this.flags = 0;
    this.window = 0;
    this.segmentSize = 0;
    this.low = 0;
    this.high = 0;
  }

  get options(): number | bigint {
    const low = this.low >>> 0;
    return this.high === 0 ? low : (BigInt(this.high >>> 0) << 32n) | BigInt(low);
  }

  /** Add a kind: the first kind of each eight is the highest bit of a byte, IPFIX element 209. */
  addOption(kind: number): void {
    if (kind >= KINDS) return;
    const bit = (kind & ~7) + 7 - (kind & 7);
    if (bit < 32) this.low |= 1 << bit;
    else this.high |= 1 << (bit - 32);
  }

  /** What is taken from the first packet, and what all packets add to. */
  look(packet: Packet, compat: boolean): void {
    const { view, ip, end, isV6 } = packet;
    const isFirst = !this.seen;
    this.seen = true;
    const ttl = ip + (isV6 ? 7 : 8);
    if (ttl < end) this.ttl = Math.max(this.ttl, view.getUint8(ttl));
    if (isFirst && !isV6 && ip + 7 <= end) this.flags = view.getUint8(ip + 6) >>> 5;
    if (packet.protocol !== PROTOCOL.tcp || packet.transport + TCP_HEADER > end) return;
    if (isFirst) this.window = view.getUint16(packet.transport + 14);
    this.#lookAtOptions(packet, { isFirst, compat });
  }

  #lookAtOptions(packet: Packet, { isFirst, compat }: { isFirst: boolean; compat: boolean }): void {
    const { view, end } = packet;
    // ipfixprobe passes over an option in the header's last byte.
    const stop = compat ? packet.payload - 1 : packet.payload;
    for (let at = packet.transport + TCP_HEADER; at < stop; ) {
      const kind = view.getUint8(at);
      this.addOption(kind);
      if (kind === OPTION.end) return;
      if (kind === OPTION.none) {
        at++;
        continue;
      }
      if (at + 2 > packet.payload) return;
      const size = view.getUint8(at + 1);
      if (isFirst && kind === OPTION.segmentSize && at + 4 <= end) {
        this.segmentSize = view.getUint16(at + 2);
        // ipfixprobe reads 32 bits: the size, and two bytes of what comes next.
        if (compat) this.segmentSize = at + 6 <= end ? view.getUint32(at + 2) : 0;
      }
      if (size === 0) return;
      at += size;
    }
  }
}

class BothWays implements FlowState {
  readonly ways = [new Headers(), new Headers()] as const;
  /** Bytes of the IP packet that is the flow's first SYN. */
  synSize = 0;

  reset(): void {
    this.ways[0].reset();
    this.ways[1].reset();
    this.synSize = 0;
  }
}

export default defineProtocol({
  name: "basicplus",
  about: "TTL, IP flags, TCP window, maximum segment size and options of each direction.",
  fields: template(
    `uint8 IP_TTL, uint8 IP_TTL_REV, uint8 IP_FLG, uint8 IP_FLG_REV, uint16 TCP_WIN, uint16 TCP_WIN_REV,
     uint64 TCP_OPT, uint64 TCP_OPT_REV, uint32 TCP_MSS, uint32 TCP_MSS_REV, uint16 TCP_SYN_SIZE`,
  ),
  elements: {
    IP_TTL: "e0id192",
    IP_TTL_REV: "e29305id192",
    IP_FLG: "e0id197",
    IP_FLG_REV: "e29305id197",
    TCP_WIN: "e0id186",
    TCP_WIN_REV: "e29305id186",
    TCP_OPT: "e0id209",
    TCP_OPT_REV: "e29305id209",
    TCP_MSS: "e8057id900",
    TCP_MSS_REV: "e8057id901",
    TCP_SYN_SIZE: "e8057id902",
  },
  watch: { empty: true },
  byDefault: true,
  source: "RFC 791 section 3.1, RFC 9293 section 3.1, IPFIX elements 192, 197, 186, 209",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new BothWays(),
    onPacket(packet, slot) {
      const state = slot.take();
      if (packet.first && packet.tcpFlags === SYN)
        state.synSize = Math.min(packet.ipLength, 0xffff);
      state.ways[packet.reverse].look(packet, compat);
      return VERDICT.more;
    },
    write({ ways: [source, target], synSize }, record) {
      record.IP_TTL = source.ttl;
      record.IP_TTL_REV = target.ttl;
      record.IP_FLG = source.flags;
      record.IP_FLG_REV = target.flags;
      record.TCP_WIN = source.window;
      record.TCP_WIN_REV = target.window;
      record.TCP_OPT = source.options;
      record.TCP_OPT_REV = target.options;
      record.TCP_MSS = source.segmentSize;
      record.TCP_MSS_REV = target.segmentSize;
      record.TCP_SYN_SIZE = synSize;
    },
  }),
});
