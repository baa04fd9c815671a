// SPDX-License-Identifier: BSD-3-Clause

/** Codes of classic BPF, linux/filter.h. */
const OP = {
  loadWord: 0x20,
  loadByteAt: 0x50,
  loadHalfAt: 0x48,
  loadWordAt: 0x40,
  loadImmediate: 0x00,
  loadScratch: 0x60,
  loadIndexScratch: 0x61,
  store: 0x02,
  storeIndex: 0x03,
  toIndex: 0x07,
  fromIndex: 0x87,
  add: 0x04,
  addIndex: 0x0c,
  multiply: 0x24,
  xorIndex: 0xac,
  and: 0x54,
  shiftRight: 0x74,
  jump: 0x05,
  jumpEqual: 0x15,
  returnValue: 0x06,
  returnAccumulator: 0x16,
} as const;

/** What the kernel knows of the packet, from SKF_AD_OFF. */
const ETHERTYPE = 0xfffff000;
const PACKET_TYPE = 0xfffff004;
const PACKET_OUTGOING = 4;

/** An instruction, whose jump names a label; or a label, which is the next instruction's name. */
type Line = readonly [code: number, k?: number, ifTrue?: string] | string;

const VLAN_TYPES = [0x8100, 0x88a8, 0x9100];
const MPLS_TYPES = [0x8847, 0x8848];
const PPPOE_SESSION = 0x8864;
const MPLS_LABELS_MAX = 4;

/** Scratch words: the two addresses, and the index register while it is needed otherwise. */
const FIRST = 0;
const SECOND = 1;
const SAVED = 2;

/** Move the index register, the offset of the header that comes next. */
const advance = (size: number): Line[] => [[OP.fromIndex], [OP.add, size], [OP.toIndex]];

/** With the ethertype in the accumulator: over a tag if it is one, then the ethertype behind it. */
const skipTag = (level: number): Line[] => [
  ...VLAN_TYPES.map((type): Line => [OP.jumpEqual, type, `tag${level}`]),
  [OP.jump, 0, `untagged${level}`],
  `tag${level}`,
  [OP.loadHalfAt, 2],
  [OP.store, FIRST],
  ...advance(4),
  [OP.loadScratch, FIRST],
  `untagged${level}`,
];

const skipLabels = (): Line[] =>
  Array.from({ length: MPLS_LABELS_MAX }, (): Line[] => [
    [OP.loadByteAt, 2],
    [OP.and, 1],
    [OP.store, FIRST],
    ...advance(4),
    [OP.loadScratch, FIRST],
    [OP.jumpEqual, 1, "ip"],
  ]).flat();

/** XOR of the four words of an IPv6 address into a scratch word. */
const foldAddress = (offset: number, scratch: number): Line[] => [
  [OP.loadWordAt, offset],
  [OP.store, scratch],
  ...[4, 8, 12].flatMap((word): Line[] => [
    [OP.loadWordAt, offset + word],
    [OP.loadIndexScratch, scratch],
    [OP.xorIndex],
    [OP.store, scratch],
    [OP.loadIndexScratch, SAVED],
  ]),
];

/** Whether sum or XOR collide for some pairs, both do not: and both are the same for either direction. */
const mix: readonly Line[] = [
  [OP.loadScratch, FIRST],
  [OP.loadIndexScratch, SECOND],
  [OP.xorIndex],
  [OP.multiply, 0x9e3779b1],
  [OP.store, SAVED],
  [OP.loadScratch, FIRST],
  [OP.addIndex],
  [OP.multiply, 0x85ebca6b],
  [OP.loadIndexScratch, SAVED],
  [OP.xorIndex],
  [OP.shiftRight, 16],
  [OP.returnAccumulator],
];

/**
 * A classic BPF program for PACKET_FANOUT_DATA: a number made of a packet's two IP addresses, the same for
 * both directions; what is not IP gives 0. The kernel takes it modulo the number of sockets.
 *
 * Why not the kernel's own PACKET_FANOUT_HASH: it hashes the ports, which a fragment does not have, so that
 * fragments go to another socket than their flow. PACKET_FANOUT_FLAG_DEFRAG mends that for IPv4 only, and by putting one
 * large packet in the place of the fragments: packets of a flow would then depend on the number of Workers.
 *
 * @param linkHeader Bytes in front of the network header: 14 for Ethernet, 0 for raw IP.
 */
export function fanoutProgram(linkHeader: number): Uint8Array {
  return assemble([
    // Offsets count from the network header of a packet that came in, from the link's of one that goes out.
    [OP.loadWord, PACKET_TYPE],
    [OP.jumpEqual, PACKET_OUTGOING, "outgoing"],
    [OP.loadImmediate, 0],
    [OP.jump, 0, "network"],
    "outgoing",
    [OP.loadImmediate, linkHeader],
    "network",
    [OP.toIndex],
    [OP.loadWord, ETHERTYPE],
    ...skipTag(1),
    ...skipTag(2),
    [OP.jumpEqual, PPPOE_SESSION, "pppoe"],
    ...MPLS_TYPES.map((type): Line => [OP.jumpEqual, type, "mpls"]),
    [OP.jump, 0, "ip"],
    "pppoe",
    ...advance(8),
    [OP.jump, 0, "ip"],
    "mpls",
    ...skipLabels(),
    "ip",
    [OP.loadByteAt, 0],
    [OP.shiftRight, 4],
    [OP.jumpEqual, 4, "ipv4"],
    [OP.jumpEqual, 6, "ipv6"],
    [OP.returnValue, 0],
    "ipv4",
    [OP.loadWordAt, 12],
    [OP.store, FIRST],
    [OP.loadWordAt, 16],
    [OP.store, SECOND],
    [OP.jump, 0, "mix"],
    "ipv6",
    [OP.storeIndex, SAVED],
    ...foldAddress(8, FIRST),
    ...foldAddress(24, SECOND),
    "mix",
    ...mix,
  ]);
}

const INSTRUCTION_SIZE = 8;

/** struct bpf_insn: code u16, jump if true u8, jump if false u8, k u32; jumps count from the next one. */
function assemble(lines: readonly Line[]): Uint8Array {
  const labels = new Map<string, number>();
  const instructions: Exclude<Line, string>[] = [];
  for (const line of lines) {
    if (typeof line === "string") labels.set(line, instructions.length);
    else instructions.push(line);
  }
  const view = new DataView(new ArrayBuffer(instructions.length * INSTRUCTION_SIZE));
  for (const [i, [code, k = 0, label]] of instructions.entries()) {
    const jump = label === undefined ? 0 : labels.get(label)! - i - 1;
    const at = i * INSTRUCTION_SIZE;
    view.setUint16(at, code, true);
    if (code === OP.jumpEqual) view.setUint8(at + 2, jump);
    view.setUint32(at + 4, code === OP.jump ? jump : k, true);
  }
  return new Uint8Array(view.buffer);
}
