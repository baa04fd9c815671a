// SPDX-License-Identifier: BSD-3-Clause
import type { Packet } from "../packet.ts";
import { type FlowState, VERDICT } from "../protocol.ts";
import { ja4 } from "../tls/fingerprints.ts";
import type { Hello } from "../tls/hello.ts";
import { copyOf, isAt } from "./bytes.ts";
import { ClientInitials, type InitialTools, OUTCOME } from "./client-initials.ts";
import { KIND, type LongHeader } from "./header.ts";
import { rawExtensions, userAgentOf } from "./hello-fields.ts";

/** Datagrams whose contents are listed. */
export const PACKETS_MAX = 30;
/** Extensions that are listed, and in compat mode. */
const EXTENSIONS_MAX = 64;
const EXTENSIONS_MAX_COMPAT = 30;
const COUNT_MAX = 255;
const UNKNOWN = -1;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** What one side's first packets say. */
class Side {
  /** Of its first packet. */
  version = 0;
  /** Connection ids of its first packet: its own, and the one it has for the other side. */
  source = NO_BYTES;
  target = NO_BYTES;
  isSeen = false;
  /** Whether the first packet may be that of a connection, so that its target is of the client's invention. */
  isFirst = false;

  reset(): void {
    this.version = 0;
    this.source = this.target = NO_BYTES;
    this.isSeen = this.isFirst = false;
  }

  see(bytes: Uint8Array, header: LongHeader): void {
    if (this.isSeen) return;
    this.isSeen = true;
    this.isFirst = header.kind !== KIND.handshake;
    this.version = header.number;
    this.source = sourceOf(bytes, header);
    this.target = targetOf(bytes, header);
  }
}

const targetOf = (bytes: Uint8Array, { target, targetLength }: LongHeader): Uint8Array =>
  copyOf(bytes, target, targetLength);

const sourceOf = (bytes: Uint8Array, { source, sourceLength }: LongHeader): Uint8Array =>
  copyOf(bytes, source, sourceLength);

/** What is known of a flow with QUIC: its first connection, and how many others share the ports. */
export class Connection implements FlowState {
  /** Of the packet seen last; what both sides agreed on in the end. */
  version = 0;
  serverPort = 0;
  tokenLength = 0;
  /** The id that a server chose in a Retry packet. */
  retrySource = NO_BYTES;
  multiplexed = 0;
  zeroRtt = 0;
  /** What was in each datagram: bits of {@link KIND}, and 0x80 for the fixed bit. */
  readonly packets: number[] = [];
  /** Whether the ClientHello was read, and what is in it. */
  hasHello = false;
  name = "";
  userAgent = "";
  ja4 = "";
  raw = NO_BYTES;
  types: number[] = [];
  lengths: number[] = [];
  readonly #sides: readonly [Side, Side] = [new Side(), new Side()];
  readonly #initials: ClientInitials;
  readonly #hello: Hello;
  readonly #compat: boolean;
  /** Which direction is the client's. */
  #client: 0 | 1 | typeof UNKNOWN = UNKNOWN;

  constructor(tools: InitialTools, compat: boolean) {
    this.#initials = new ClientInitials(tools);
    this.#hello = tools.hello;
    this.#compat = compat;
  }

  reset(): void {
    this.version = this.serverPort = this.tokenLength = 0;
    this.retrySource = this.raw = NO_BYTES;
    this.multiplexed = this.zeroRtt = 0;
    this.packets.length = 0;
    this.hasHello = false;
    this.name = this.userAgent = this.ja4 = "";
    this.types = [];
    this.lengths = [];
    for (const side of this.#sides) side.reset();
    this.#initials.reset();
    this.#client = UNKNOWN;
  }

  /** The version that the client began with. */
  get clientVersion(): number {
    return this.#of(0)?.version ?? 0;
  }

  /** The connection id that the client has for itself. */
  get clientId(): Uint8Array {
    const client = this.#of(0);
    return (client?.isSeen ? client.source : this.#of(1)?.target) ?? NO_BYTES;
  }

  /** The connection id that the client invented for the server. */
  get inventedId(): Uint8Array {
    const client = this.#of(0);
    if (!client?.isFirst) return NO_BYTES;
    const { target } = client;
    return isAt(target, 0, target.length, this.retrySource) ? NO_BYTES : target;
  }

  /** The connection id that the server chose for itself. */
  get serverId(): Uint8Array {
    return this.#of(1)?.source ?? NO_BYTES;
  }

  /** List what a datagram holds. */
  note(contents: number): void {
    if (this.packets.length < PACKETS_MAX) this.packets.push(contents);
  }

  /** Learn from a packet with a long header. Returns a verdict. */
  learn(packet: Packet, header: LongHeader): number {
    const { bytes, reverse } = packet;
    const side = this.#sides[reverse];
    if (header.kind === KIND.retry) this.#retry(packet, header);
    else if (header.kind === KIND.negotiation) {
      this.#clientIs(reverse === 0 ? 1 : 0, packet);
      if (!side.isSeen) side.target = targetOf(bytes, header);
    } else if (header.kind === KIND.zeroRtt) {
      this.#clientIs(reverse, packet);
      this.zeroRtt = Math.min(this.zeroRtt + 1, COUNT_MAX);
      side.see(bytes, header);
    } else {
      this.version = header.number;
      side.see(bytes, header);
      if (header.kind === KIND.initial && header.end <= packet.end)
        return this.#initial(packet, header);
    }
    return VERDICT.more;
  }

  /** The client's side, or the server's; undefined as long as it is not known which is which. */
  #of(role: 0 | 1): Side | undefined {
    if (this.#client === UNKNOWN) return undefined;
    return this.#sides[(this.#client ^ role) as 0 | 1];
  }

  #clientIs(direction: 0 | 1, packet: Packet): void {
    if (this.#client !== UNKNOWN) return;
    this.#client = direction;
    this.serverPort = direction === packet.reverse ? packet.targetPort : packet.sourcePort;
  }

  /** A client follows the first Retry packet alone, and none when it has an Initial (RFC 9000 section 17.2.5.2). */
  #retry(packet: Packet, header: LongHeader): void {
    const { bytes, reverse } = packet;
    const side = this.#sides[reverse];
    if (side.isSeen || this.#client === reverse || this.retrySource.length > 0) return;
    this.#clientIs(reverse === 0 ? 1 : 0, packet);
    side.target = targetOf(bytes, header);
    this.version = header.number;
    this.tokenLength = header.tokenLength;
    this.retrySource = sourceOf(bytes, header);
    this.#initials.restart(this.retrySource);
  }

  #initial(packet: Packet, header: LongHeader): number {
    const { bytes, reverse } = packet;
    if (this.#client !== UNKNOWN && this.#client !== reverse) return VERDICT.more;
    if (this.#initials.isOver) {
      this.#countOther(bytes, header);
      return VERDICT.more;
    }
    const outcome = this.#initials.take(bytes, header);
    if (outcome === OUTCOME.skipped) return VERDICT.more;
    if (outcome === OUTCOME.closed) {
      // The responder of a flow is its server as a rule, whose packets have other keys.
      const isServers = this.#client === UNKNOWN && reverse === 1;
      return isServers || header.version!.isGuess ? VERDICT.more : VERDICT.malformed;
    }
    // Nobody else has these keys.
    this.#clientIs(reverse, packet);
    if (header.tokenLength > 0) this.tokenLength = header.tokenLength;
    if (outcome === OUTCOME.hello) this.#learnHello();
    return outcome === OUTCOME.broken ? VERDICT.malformed : VERDICT.more;
  }

  /** Once its hello is there, a client begins anew only for another connection. */
  #countOther(bytes: Uint8Array, header: LongHeader): void {
    const { target, targetLength } = header;
    if (this.multiplexed === COUNT_MAX) return;
    for (const id of [this.inventedId, this.retrySource, this.serverId])
      if (isAt(bytes, target, targetLength, id)) return;
    if (this.#initials.isOther(bytes, header)) this.multiplexed++;
  }

  #learnHello(): void {
    const hello = this.#hello;
    const max = this.#compat ? EXTENSIONS_MAX_COMPAT : EXTENSIONS_MAX;
    this.hasHello = true;
    this.name = hello.name;
    this.userAgent = userAgentOf(hello, this.#initials.stream);
    this.raw = rawExtensions(hello, this.#initials.stream);
    this.ja4 = ja4(hello, { carrier: "q" });
    this.types = hello.extensions.slice(0, max);
    this.lengths = hello.lengths.slice(0, max);
    this.#initials.finish();
  }
}
