// SPDX-License-Identifier: BSD-3-Clause
import { FLOWS_MAX, FlowModel, ICMP, TCP, UDP } from "./flow-model.ts";
import { PcapWriter } from "./pcap-writer.ts";
import { Random } from "./random.ts";

export interface SyntheticParams {
  readonly flows: number;
  readonly packets: number;
  /** Bytes kept of a frame. */
  readonly capturedMax: number;
  readonly seed: number;
}

/** What a meter must count in a generated capture. Bytes are those of the IP layer. */
export interface SyntheticTruth {
  flows: number;
  packets: number;
  bytes: number;
  flowsV6: number;
  flowsVlan: number;
  packetsV6: number;
  packetsVlan: number;
}

const START_MICROSECONDS = 1_700_000_000e6;
const FRAME_MAX = 1500;
/** Holds Ethernet, one VLAN tag, IPv6 and TCP; IPv4 frames start at 64. */
const FRAME_MIN_V6 = 82;

/** Flow ids in uniformly random order in which each flow occurs at least once. */
const shuffledFlowIds = (params: SyntheticParams, random: Random): Uint32Array => {
  const ids = new Uint32Array(params.packets);
  for (let i = 0; i < ids.length; i++) ids[i] = i < params.flows ? i : random.below(params.flows);
  for (let i = ids.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const id = ids[i]!;
    ids[i] = ids[j]!;
    ids[j] = id;
  }
  return ids;
};

/** A frame length in the proportions of the simple IMIX (7 small, 4 medium, 1 large), each spread. */
const frameLength = (random: Random, v6: boolean): number => {
  const share = random.below(12);
  let length = 64 + random.below(64);
  if (share >= 11) length = FRAME_MAX - random.below(100);
  else if (share >= 7) length = 470 + random.below(212);
  return v6 && length < FRAME_MIN_V6 ? FRAME_MIN_V6 : length;
};

/** Writes the link layer at `at` and gives the offset behind it. */
const writeLink = (view: DataView, at: number, flow: FlowModel, reverse: boolean): number => {
  view.setUint32(at, 0x02000000);
  view.setUint16(at + 4, reverse ? 1 : 2);
  view.setUint32(at + 6, 0x02000000);
  view.setUint16(at + 10, reverse ? 2 : 1);
  let end = at + 12;
  if (flow.vlan > 0) {
    view.setUint16(end, 0x8100);
    view.setUint16(end + 2, flow.vlan);
    end += 4;
  }
  view.setUint16(end, flow.v6 ? 0x86dd : 0x0800);
  return end + 2;
};

/** Writes the IP header of a packet of `length` bytes at `at` and gives the offset behind it. */
const writeIp = (view: DataView, at: number, flow: FlowModel, way: PacketWay): number => {
  const { length, reverse } = way;
  if (flow.v6) {
    view.setUint32(at, 0x60000000);
    view.setUint16(at + 4, length - 40);
    view.setUint16(at + 6, (flow.protocol << 8) | 64);
    const client = reverse ? at + 24 : at + 8;
    const server = reverse ? at + 8 : at + 24;
    view.setUint32(client, 0x20010db8);
    view.setUint32(client + 12, flow.client);
    view.setUint32(server, 0x20010db8);
    view.setUint32(server + 4, 1);
    view.setUint32(server + 12, flow.server);
    return at + 40;
  }
  view.setUint16(at, 0x4500);
  view.setUint16(at + 2, length);
  view.setUint16(at + 8, (64 << 8) | flow.protocol);
  view.setUint32(at + 12, reverse ? flow.server : flow.client);
  view.setUint32(at + 16, reverse ? flow.client : flow.server);
  return at + 20;
};

const writeTransport = (view: DataView, at: number, flow: FlowModel, way: PacketWay): void => {
  const { protocol } = flow;
  if (protocol !== TCP && protocol !== UDP) {
    // Echo request and reply: ICMP types 8 and 0 (RFC 792), ICMPv6 types 128 and 129 (RFC 4443).
    if (protocol === ICMP) view.setUint8(at, way.reverse ? 0 : 8);
    else view.setUint8(at, way.reverse ? 129 : 128);
    return;
  }
  view.setUint16(at, way.reverse ? flow.serverPort : flow.clientPort);
  view.setUint16(at + 2, way.reverse ? flow.clientPort : flow.serverPort);
  if (protocol === UDP) {
    view.setUint16(at + 4, way.length - (flow.v6 ? 40 : 20));
    return;
  }
  // SYN first, then ACK or PSH|ACK; neither FIN nor RST, so every flow stays open.
  const flags = way.first ? 0x02 : way.push ? 0x18 : 0x10;
  view.setUint16(at + 12, 0x5000 | flags);
  view.setUint16(at + 14, 0xffff);
};

/** What tells one packet from another of its flow. One object is reused for all. */
interface PacketWay {
  /** Bytes of the IP packet, its header included. */
  length: number;
  reverse: boolean;
  first: boolean;
  push: boolean;
}

/**
 * Writes a capture whose flows are all concurrent and arrive in uniformly random order: the worst
 * case of a flow cache. Packets are 1 us apart; a flow's first packet goes from client to server.
 *
 * @returns what a meter must count, and the size of the file in bytes
 */
export const writeSynthetic = (
  path: string,
  params: SyntheticParams,
): { truth: SyntheticTruth; size: number } => {
  if (params.flows > FLOWS_MAX) throw new RangeError(`flows: ${params.flows} exceeds ${FLOWS_MAX}`);
  if (params.packets < params.flows) throw new RangeError("packets: fewer than flows");
  const random = new Random(params.seed);
  const ids = shuffledFlowIds(params, random);
  const seen = new Uint8Array(params.flows);
  const flow = new FlowModel(params.seed);
  const writer = new PcapWriter(path, params.capturedMax);
  const { bytes, view } = writer;
  const way: PacketWay = { length: 0, reverse: false, first: false, push: false };
  const truth: SyntheticTruth = {
    flows: 0,
    packets: ids.length,
    bytes: 0,
    flowsV6: 0,
    flowsVlan: 0,
    packetsV6: 0,
    packetsVlan: 0,
  };
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!;
    flow.select(id);
    way.first = seen[id] === 0;
    seen[id] = 1;
    const coin = random.bits();
    way.reverse = !way.first && (coin & 0x100) !== 0;
    way.push = (coin & 0x200) !== 0;
    const length = frameLength(random, flow.v6);
    const captured = Math.min(length, params.capturedMax);
    way.length = length - (flow.vlan > 0 ? 18 : 14);

    const at = writer.begin(START_MICROSECONDS + i, captured, length);
    bytes.fill(0, at, at + captured);
    const network = writeLink(view, at, flow, way.reverse);
    const transport = writeIp(view, network, flow, way);
    writeTransport(view, transport, flow, way);

    truth.bytes += way.length;
    if (way.first) truth.flows++;
    if (flow.v6) truth.packetsV6++;
    if (flow.vlan > 0) truth.packetsVlan++;
    if (way.first && flow.v6) truth.flowsV6++;
    if (way.first && flow.vlan > 0) truth.flowsVlan++;
  }
  writer.close();
  return { truth, size: writer.size };
};
