// SPDX-License-Identifier: BSD-3-Clause
import { FRAMES_MAX, type FrameBatch } from "../packet/frames.ts";
import { wordSum } from "./host.ts";
import type { Path } from "./path.ts";
import { type Block, PayloadArena } from "./payload.ts";
import { SYN, type TcpSegment } from "./tcp-segment.ts";

/** Room for one frame: Ethernet, one VLAN tag and 1500 bytes, rounded up. */
const FRAME_ROOM = 1536;
const ARENA_SIZE = 3 << 20;
/** Ethernet's shortest frame without its check sequence (IEEE 802.3 section 3.2.8). */
const FRAME_SIZE_MIN = 60;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_IPV6 = 0x86dd;
const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const PROTOCOL_ICMPV6 = 58;

/** MSS 1460, SACK permitted, window scale 7, as Linux sends them in a SYN without timestamps. */
const SYN_OPTIONS = [0x020405b4, 0x01010402, 0x01030307] as const;
const SYN_OPTIONS_SUM = SYN_OPTIONS.reduce((sum, word) => sum + wordSum(word), 0);

export interface Echo {
  readonly reply: boolean;
  readonly id: number;
  readonly sequence: number;
  readonly size: number;
  /** `size` bytes in place of ping's. */
  readonly content?: Uint8Array;
}

/** Writes whole frames, with right checksums, one behind the other into the buffer of a batch. */
export class FrameWriter {
  /** Frames lie in front, the payloads they are copied from behind. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly payloads: PayloadArena;
  #frames: FrameBatch | undefined;
  #frame = 0;
  #end = 0;
  #transport = 0;

  constructor() {
    this.bytes = new Uint8Array(new ArrayBuffer(FRAMES_MAX * FRAME_ROOM + ARENA_SIZE));
    this.view = new DataView(this.bytes.buffer);
    this.payloads = new PayloadArena(this.bytes, FRAMES_MAX * FRAME_ROOM);
  }

  /** Begin an empty batch. */
  begin(frames: FrameBatch): void {
    if (frames.bytes !== this.bytes) frames.use(this.bytes, 1);
    frames.linkType = 1;
    frames.count = 0;
    this.#frames = frames;
    this.#end = 0;
  }

  /** One TCP segment; a SYN carries options (RFC 9293 section 3.1). */
  tcp(time: number, path: Path, segment: TcpSegment): void {
    const { view } = this;
    const { block, size, flags, sourcePort, targetPort, sequence, acknowledgment, window } =
      segment;
    const headerSize = (flags & SYN) !== 0 ? 20 + 4 * SYN_OPTIONS.length : 20;
    const tcpSize = headerSize + size;
    const at = this.#open(path, PROTOCOL_TCP, tcpSize);
    const offsetFlags = (headerSize << 10) | flags;
    view.setUint16(at, sourcePort);
    view.setUint16(at + 2, targetPort);
    view.setInt32(at + 4, sequence);
    view.setInt32(at + 8, acknowledgment);
    view.setUint16(at + 12, offsetFlags);
    view.setUint16(at + 14, window);
    view.setUint16(at + 18, 0);
    let sum =
      pseudoSum(path) + PROTOCOL_TCP + tcpSize + sourcePort + targetPort + offsetFlags + window;
    sum += wordSum(sequence) + wordSum(acknowledgment);
    if (headerSize > 20) {
      for (let i = 0; i < SYN_OPTIONS.length; i++) view.setInt32(at + 20 + 4 * i, SYN_OPTIONS[i]!);
      sum += SYN_OPTIONS_SUM;
    }
    if (block !== undefined && size > 0) sum += this.#copy(block, size, at + headerSize);
    view.setUint16(at + 16, ~fold(sum));
    this.#close(time, at + tcpSize);
  }

  /** Offset at which the payload of a UDP datagram may be written; {@link closeUdp} ends it. */
  openUdp(path: Path, sourcePort: number, targetPort: number): number {
    this.#transport = this.#open(path, PROTOCOL_UDP, 0);
    this.view.setUint16(this.#transport, sourcePort);
    this.view.setUint16(this.#transport + 2, targetPort);
    return this.#transport + 8;
  }

  /** Ends the datagram begun by {@link openUdp}, whose payload has this size. */
  closeUdp(time: number, path: Path, size: number): void {
    const at = this.#transport;
    const udpSize = 8 + size;
    this.#setIpSize(path, udpSize);
    this.view.setUint16(at + 4, udpSize);
    this.view.setUint16(at + 6, 0);
    const checksum =
      ~fold(pseudoSum(path) + PROTOCOL_UDP + udpSize + this.#sum(at, udpSize)) & 0xffff;
    // RFC 768: zero means that there is no checksum, so a computed zero is sent as all ones.
    this.view.setUint16(at + 6, checksum === 0 ? 0xffff : checksum);
    this.#close(time, at + udpSize);
  }

  /** An echo request or reply of `size` payload bytes, or with this content (RFC 792, RFC 4443 section 4). */
  echo(time: number, path: Path, echo: Echo): void {
    const { view } = this;
    const icmpSize = 8 + echo.size;
    const v4 = path.version === 4;
    const at = this.#open(path, v4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6, icmpSize);
    const typeV4 = echo.reply ? 0 : 8;
    const typeV6 = echo.reply ? 129 : 128;
    view.setUint16(at, (v4 ? typeV4 : typeV6) << 8);
    view.setUint16(at + 2, 0);
    view.setUint16(at + 4, echo.id);
    view.setUint16(at + 6, echo.sequence);
    if (echo.content) this.bytes.set(echo.content, at + 8);
    else for (let i = 0; i < echo.size; i++) this.bytes[at + 8 + i] = i;
    // RFC 4443 section 2.3: ICMPv6 sums a pseudo-header, ICMP does not.
    const pseudo = v4 ? 0 : pseudoSum(path) + PROTOCOL_ICMPV6 + icmpSize;
    view.setUint16(at + 2, ~fold(pseudo + this.#sum(at, icmpSize)));
    this.#close(time, at + icmpSize);
  }

  /** Who has the target's address, asked of all; or the answer (RFC 826). */
  arp(time: number, path: Path, reply: boolean): void {
    const { view } = this;
    const { source, target } = path;
    const at = this.#ethernet(path, ETHERTYPE_ARP, !reply);
    view.setInt32(at, 0x00010800);
    view.setInt32(at + 4, 0x06040000 | (reply ? 2 : 1));
    view.setUint16(at + 8, source.mac[0]);
    view.setInt32(at + 10, source.mac[1] | 0);
    view.setInt32(at + 14, source.ipv4);
    view.setUint16(at + 18, reply ? target.mac[0] : 0);
    view.setInt32(at + 20, reply ? target.mac[1] | 0 : 0);
    view.setInt32(at + 24, target.ipv4);
    this.#close(time, at + 28);
  }

  /** Ethernet and IP headers; returns the offset of the transport header. */
  #open(path: Path, protocol: number, size: number): number {
    const { view } = this;
    const { source, target, version } = path;
    const at = this.#ethernet(path, version === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6, false);
    if (version === 6) {
      view.setInt32(at, 0x60000000);
      view.setUint16(at + 4, size);
      view.setUint16(at + 6, (protocol << 8) | source.hopLimit);
      for (let i = 0; i < 4; i++) {
        view.setInt32(at + 8 + 4 * i, source.ipv6[i]!);
        view.setInt32(at + 24 + 4 * i, target.ipv6[i]!);
      }
      return at + 40;
    }
    view.setUint16(at, 0x4500);
    view.setUint16(at + 4, source.identification);
    view.setUint16(at + 6, 0x4000);
    view.setUint16(at + 8, (source.hopLimit << 8) | protocol);
    view.setInt32(at + 12, source.ipv4);
    view.setInt32(at + 16, target.ipv4);
    source.identification = (source.identification + 1) & 0xffff;
    this.#transport = at + 20;
    this.#setIpSize(path, size);
    return at + 20;
  }

  /** Set the length of the IP header in front of the transport header, and IPv4's checksum. */
  #setIpSize(path: Path, size: number): void {
    const { view } = this;
    if (path.version === 6) {
      view.setUint16(this.#transport - 36, size);
      return;
    }
    const at = this.#transport - 20;
    view.setUint16(at + 2, 20 + size);
    const fixed = 0x4500 + 0x4000 + 20 + size + view.getUint16(at + 4) + view.getUint16(at + 8);
    view.setUint16(at + 10, ~fold(fixed + path.source.ipv4Sum + path.target.ipv4Sum));
  }

  #ethernet(path: Path, etherType: number, broadcast: boolean): number {
    const { view } = this;
    const at = this.#end;
    this.#frame = at;
    view.setUint16(at, broadcast ? 0xffff : path.targetMac[0]);
    view.setInt32(at + 2, broadcast ? -1 : path.targetMac[1] | 0);
    view.setUint16(at + 6, path.sourceMac[0]);
    view.setInt32(at + 8, path.sourceMac[1] | 0);
    if (path.vlan === 0) {
      view.setUint16(at + 12, etherType);
      return at + 14;
    }
    view.setUint16(at + 12, ETHERTYPE_VLAN);
    view.setUint16(at + 14, path.vlan);
    view.setUint16(at + 16, etherType);
    return at + 18;
  }

  /** Enter the frame that ends here into the batch. */
  #close(time: number, end: number): void {
    const frames = this.#frames!;
    const start = this.#frame;
    let padded = end;
    while (padded < start + FRAME_SIZE_MIN) this.bytes[padded++] = 0;
    const index = frames.count++;
    frames.start[index] = start;
    frames.captured[index] = padded - start;
    frames.length[index] = padded - start;
    frames.time[index] = time;
    this.#end = padded;
  }

  /** Copy the beginning of a block; returns its sum. */
  #copy(block: Block, size: number, at: number): number {
    const { bytes } = this;
    bytes.copyWithin(at, block.offset, block.offset + size);
    let sum = block.sums[size >> 1]!;
    if ((size & 1) !== 0) sum += bytes[at + size - 1]! << 8;
    if (!block.tlsRecord) return sum;
    // The length stands across two words: type, version | version, length | length, content.
    const length = size - 5;
    bytes[at + 3] = length >> 8;
    bytes[at + 4] = length;
    return sum + (length >> 8) + ((length & 0xff) << 8);
  }

  #sum(at: number, size: number): number {
    let sum = 0;
    const even = size & ~1;
    for (let i = 0; i < even; i += 2) sum += this.view.getUint16(at + i);
    return even === size ? sum : sum + (this.bytes[at + even]! << 8);
  }
}

/** The addresses' part of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1). */
function pseudoSum(path: Path): number {
  return path.version === 4
    ? path.source.ipv4Sum + path.target.ipv4Sum
    : path.source.ipv6Sum + path.target.ipv6Sum;
}

/** The ones' complement sum of 16 bits. */
function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
