// SPDX-License-Identifier: BSD-3-Clause
import { HELLO, type Hello } from "../tls/hello.ts";
import { copyOf, isAt } from "./bytes.ts";
import type { CryptoStream, CryptoStreams } from "./crypto-stream.ts";
import { readFrames } from "./frames.ts";
import type { LongHeader } from "./header.ts";
import { clientKeys, type InitialKeys, openInitial } from "./initial.ts";
import type { Version } from "./versions.ts";

/** What became of an Initial packet. */
export const OUTCOME = {
  /** It was not looked at: no client chose its connection id, or there were too many. */
  skipped: 0,
  /** It does not open with a client's keys. */
  closed: 1,
  opened: 2,
  /** It opened, and breaks the rules inside. */
  broken: 3,
  /** It completes the ClientHello. */
  hello: 4,
} as const;

/** Initial packets of a flow that are decrypted: a flood of false ones costs no more. */
const ATTEMPTS_MAX = 8;
/** Bytes of the connection id that a client invents for its server (RFC 9000 section 7.2). */
const INVENTED_MIN = 8;

/** What the Initial packets of all flows are read with. */
export interface InitialTools {
  readonly hello: Hello;
  readonly streams: CryptoStreams;
  /** For hellos of one packet when all others are in use. */
  readonly spare: CryptoStream;
}

/** The client's Initial packets of a connection, up to its ClientHello. */
export class ClientInitials {
  /** Whether no more of the ClientHello is expected. */
  isOver = false;
  readonly #tools: InitialTools;
  #attempts = 0;
  /** The connection id that keys come from, once it is known. */
  #origin: Uint8Array | undefined;
  #keys: InitialKeys | undefined;
  #keysOf: Version | undefined;
  #stream: CryptoStream | undefined;
  /** Connection id of another connection's packets, so that one counts once. */
  #other: Uint8Array | undefined;

  constructor(tools: InitialTools) {
    this.#tools = tools;
  }

  reset(): void {
    this.isOver = false;
    this.#attempts = 0;
    this.#origin = this.#keys = this.#keysOf = this.#other = undefined;
    this.#close();
  }

  /** A Retry packet came: the client begins anew, with another connection id (RFC 9001 section 5.2). */
  restart(origin: Uint8Array): void {
    this.#origin = origin;
    this.#keysOf = undefined;
    this.#stream?.reset();
  }

  /** Where the hello is that the tools' reader holds. */
  get stream(): CryptoStream {
    return this.#stream ?? this.#tools.spare;
  }

  /** Read an Initial packet. Returns an {@link OUTCOME}; the tools' reader then holds the hello until {@link finish}. */
  take(bytes: Uint8Array, header: LongHeader): number {
    const canInvent = header.targetLength >= INVENTED_MIN;
    if (this.#attempts >= ATTEMPTS_MAX || (!this.#origin && !canInvent)) return OUTCOME.skipped;
    const frames = this.#open(bytes, header);
    if (!frames) return OUTCOME.closed;
    this.#stream ??= this.#tools.streams.take();
    const { stream } = this;
    if (!this.#stream) stream.reset();
    if (!readFrames(frames, stream)) return OUTCOME.broken;
    if (stream.isTooLong) return this.#finish(OUTCOME.opened);
    if (!stream.isComplete) return OUTCOME.opened;
    const { hello } = this.#tools;
    const isRead = hello.read(stream.bytes, stream.view, 0, stream.needed);
    return isRead && hello.type === HELLO.client ? OUTCOME.hello : this.#finish(OUTCOME.broken);
  }

  /** The ClientHello was used: its memory is free. */
  finish(): void {
    this.#finish(OUTCOME.hello);
  }

  /** Whether an Initial packet begins a connection of its own, which was not seen before. */
  isOther(bytes: Uint8Array, header: LongHeader): boolean {
    const { target, targetLength } = header;
    if (this.#attempts >= ATTEMPTS_MAX || targetLength < INVENTED_MIN) return false;
    for (const id of [this.#origin, this.#other])
      if (id && isAt(bytes, target, targetLength, id)) return false;
    this.#attempts++;
    const id = copyOf(bytes, target, targetLength);
    if (!openInitial(bytes, header, clientKeys(header.version!, id))) return false;
    this.#other = id;
    return true;
  }

  /** The frames of a packet, by the keys of the connection or those of a new one. */
  #open(bytes: Uint8Array, header: LongHeader): Uint8Array | undefined {
    const { target, targetLength } = header;
    const version = header.version!;
    const origin = this.#origin;
    if (origin) {
      this.#attempts++;
      const frames = openInitial(bytes, header, this.#keysFor(version, origin));
      if (frames || targetLength < INVENTED_MIN || isAt(bytes, target, targetLength, origin))
        return frames;
    }
    this.#attempts++;
    const id = copyOf(bytes, target, targetLength);
    const keys = clientKeys(version, id);
    const frames = openInitial(bytes, header, keys);
    if (!frames) return undefined;
    // The client has given its first connection up.
    this.#stream?.reset();
    this.#origin = id;
    this.#keys = keys;
    this.#keysOf = version;
    return frames;
  }

  #keysFor(version: Version, origin: Uint8Array): InitialKeys {
    if (!this.#keys || this.#keysOf !== version) this.#keys = clientKeys(version, origin);
    this.#keysOf = version;
    return this.#keys;
  }

  #finish(outcome: number): number {
    this.isOver = true;
    this.#close();
    return outcome;
  }

  #close(): void {
    if (this.#stream) this.#tools.streams.give(this.#stream);
    this.#stream = undefined;
  }
}
