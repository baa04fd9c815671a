// SPDX-License-Identifier: BSD-3-Clause
import { PacketDecoder } from "../packet/decoder.ts";
import { FrameBatch } from "../packet/frames.ts";
import { WORD } from "../packet/row.ts";
import { type FlowSample, isFamily } from "./flow-sample.ts";
import { PACKET_ADDRESS, type PacketRecord, VALUE } from "./packet-record.ts";
import { addressBytes, BYTES } from "./structures.ts";

/** header_protocol of sampled_header, and the LINKTYPE_ value that frames of it have in captures. */
const ETHERNET = 1;
const IPV4 = 11;
const IPV6 = 12;
const LINKTYPE_ETHERNET = 1;
const LINKTYPE_RAW = 101;
/** Bits of a row's word `kind`. */
const IS_IPV6 = 0x100;
const VLAN_SHIFT = 9;
const VLAN_MAX = 4094;

/** The packet of a flow sample, from what the agent sends of it: mostly the first bytes of the frame, else what it has read itself. */
export class SampledPacket {
  readonly #record: PacketRecord;
  readonly #decoder = new PacketDecoder();
  readonly #frame = new FrameBatch();
  #view: DataView;
  #arrivedAt = 0;

  constructor(record: PacketRecord) {
    this.#record = record;
    this.#view = this.#frame.view;
    this.#frame.count = 1;
  }

  /** Look at another datagram. */
  use(view: DataView, arrivedAt: number): void {
    this.#view = view;
    this.#arrivedAt = arrivedAt;
    this.#frame.view = view;
    this.#frame.bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    this.#frame.time[0] = arrivedAt;
  }

  /** Make the record say what a sample does; false when it has no IP packet. */
  read(sample: FlowSample, scale: boolean): boolean {
    const record = this.#record;
    const hasFrame = sample.header > 0 && this.#decode(sample.header);
    let bytes = 0;
    if (hasFrame) bytes = this.#decoded();
    else if (sample.ipv4 > 0) bytes = this.#told(sample.ipv4, sample.ethernet, false);
    else if (sample.ipv6 > 0) bytes = this.#told(sample.ipv6, sample.ethernet, true);
    else return false;
    // 0 is what an agent says that does not know.
    const rate = sample.rate || 1;
    const factor = scale ? rate : 1;
    record.set64(VALUE.packets, factor);
    record.set64(VALUE.bytes, bytes * factor);
    record.set32(VALUE.interval, rate);
    record.set32(VALUE.input, sample.input);
    record.set32(VALUE.output, sample.output);
    if (sample.switch > 0) this.#switched(sample.switch);
    if (sample.router > 0) this.#routed(sample.router);
    if (sample.gateway > 0) this.#passed(sample);
    return true;
  }

  /** Decode a sampled_header. */
  #decode(at: number): boolean {
    const view = this.#view;
    const frame = this.#frame;
    const protocol = view.getUint32(at);
    if (protocol === ETHERNET) frame.linkType = LINKTYPE_ETHERNET;
    else if (protocol === IPV4 || protocol === IPV6) frame.linkType = LINKTYPE_RAW;
    else return false;
    frame.start[0] = at + BYTES.header;
    frame.captured[0] = view.getUint32(at + 12);
    // What was stripped, the checksum at the end mostly, is part of the frame's length, and no part of the packet.
    frame.length[0] = Math.max(0, view.getUint32(at + 4) - view.getUint32(at + 8));
    this.#decoder.decode(frame);
    return this.#decoder.count > 0;
  }

  /** Take the packet that was decoded; returns the bytes of it. */
  #decoded(): number {
    const view = this.#view;
    const record = this.#record;
    const { rows } = this.#decoder;
    const kind = rows[WORD.kind]!;
    const ip = rows[WORD.ip]!;
    const ethernet = rows[WORD.ethernet]!;
    const ports = rows[WORD.ports]!;
    const ttlTos = rows[WORD.ttlTos]!;
    const isIpv6 = (kind & IS_IPV6) !== 0;
    const isTurned = rows[WORD.direction] === 1;
    record.begin(isIpv6, this.#arrivedAt);
    record.setAddress(PACKET_ADDRESS.source, view, isIpv6 ? ip + 8 : ip + 12);
    record.setAddress(PACKET_ADDRESS.target, view, isIpv6 ? ip + 24 : ip + 16);
    record.set16(VALUE.sourcePort, isTurned ? ports : ports >>> 16);
    record.set16(VALUE.targetPort, isTurned ? ports >>> 16 : ports);
    record.set8(VALUE.protocol, kind);
    record.set8(VALUE.tcpFlags, rows[WORD.tcpFlags]!);
    record.set8(VALUE.ttl, ttlTos);
    record.set8(VALUE.tos, ttlTos >>> 8);
    record.set16(VALUE.vlan, (kind >>> VLAN_SHIFT) & 0xfff);
    if (ethernet >= 0) {
      record.setMac(VALUE.targetMac, view, ethernet);
      record.setMac(VALUE.sourceMac, view, ethernet + 6);
    }
    return rows[WORD.bytes]!;
  }

  /** Take sampled_ipv4 or sampled_ipv6, and sampled_ethernet where there is one; returns the packet's bytes, or the frame's. */
  #told(at: number, ethernet: number, isIpv6: boolean): number {
    const view = this.#view;
    const record = this.#record;
    const address = isIpv6 ? 16 : 4;
    const ports = at + 8 + 2 * address;
    record.begin(isIpv6, this.#arrivedAt);
    record.set8(VALUE.protocol, view.getUint32(at + 4));
    record.setAddress(PACKET_ADDRESS.source, view, at + 8);
    record.setAddress(PACKET_ADDRESS.target, view, at + 8 + address);
    record.set16(VALUE.sourcePort, view.getUint32(ports));
    record.set16(VALUE.targetPort, view.getUint32(ports + 4));
    record.set8(VALUE.tcpFlags, view.getUint32(ports + 8));
    record.set8(VALUE.tos, view.getUint32(ports + 12));
    if (ethernet > 0) {
      record.setMac(VALUE.sourceMac, view, ethernet + 4);
      record.setMac(VALUE.targetMac, view, ethernet + 12);
    }
    return view.getUint32(at) || (ethernet > 0 ? view.getUint32(ethernet) : 0);
  }

  /** extended_switch: VLANs of the frame as it came and as it went, where they are some. */
  #switched(at: number): void {
    const source = this.#view.getUint32(at);
    const target = this.#view.getUint32(at + 8);
    if (source > 0 && source <= VLAN_MAX) this.#record.set16(VALUE.vlan, source);
    if (target <= VLAN_MAX) this.#record.set16(VALUE.targetVlan, target);
  }

  /** extended_router: next hop and prefixes. */
  #routed(at: number): void {
    const view = this.#view;
    const masks = at + addressBytes(view, at, view.byteLength);
    this.#nextHop(PACKET_ADDRESS.nextHop, at);
    this.#record.setPrefixes(view.getUint32(masks), view.getUint32(masks + 4));
  }

  /** extended_gateway: autonomous systems. The agent's own is 0, as in NetFlow. */
  #passed({ gateway, nextAs, targetAs }: FlowSample): void {
    const view = this.#view;
    const systems = gateway + addressBytes(view, gateway, view.byteLength);
    this.#nextHop(PACKET_ADDRESS.bgpNextHop, gateway);
    this.#record.set32(VALUE.sourceAs, view.getUint32(systems + 4));
    this.#record.set32(VALUE.previousAs, view.getUint32(systems + 8));
    this.#record.set32(VALUE.nextAs, nextAs);
    this.#record.set32(VALUE.targetAs, targetAs);
  }

  #nextHop(which: number, at: number): void {
    if (isFamily(this.#view, at, this.#record.isIpv6))
      this.#record.setAddress(which, this.#view, at + 4);
  }
}
