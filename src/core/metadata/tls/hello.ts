// SPDX-License-Identifier: BSD-3-Clause
/**
 * ClientHello and ServerHello of TLS, as the handshake carries them: over TCP and in QUIC's CRYPTO frames.
 *
 * ```text
 *   type 1 │ length 3 │ version 2 │ random 32 │ session id 1+n │ suites 2+n │ compression 1+n │ extensions 2+n
 * ```
 *
 * RFC 8446 section 4.1. A ServerHello has one suite and one method there, without lengths.
 * @module
 */

export const HELLO = { client: 1, server: 2 } as const;
/** Extension types (IANA, TLS ExtensionType Values). */
export const EXTENSION = {
  serverName: 0,
  groups: 10,
  pointFormats: 11,
  signatures: 13,
  alpn: 16,
  versions: 43,
} as const;

/** Type and length of a handshake message. */
export const HANDSHAKE_HEADER = 4;
/** Bytes of a hello at most, by the lengths of its lists (RFC 8446 section 4.1.2). */
export const HELLO_MAX = HANDSHAKE_HEADER + 2 + 32 + 33 + 2 + 0xfffe + 256 + 2 + 0xffff;
const RANDOM = 32;
const SESSION_ID_MAX = 32;
/** Bytes before the suites of an SSL 2.0 ClientHello: length, type, version, three lengths. */
const SSL2 = { header: 11 } as const;
/** Elements of any list that are kept. */
const LIST_MAX = 256;
/** Bytes of a name that are kept. */
const NAME_MAX = 255;
const text = new TextDecoder();

/** RFC 8701: values that mean nothing and keep peers honest. */
export const isGrease = (value: number): boolean =>
  (value & 0x0f0f) === 0x0a0a && value >>> 8 === (value & 255);

/** Reads hellos, one at a time; what was read stays until the next one. */
export class Hello {
  type = 0;
  /** Whether all its lengths agree with each other; what could be read of one that is not sound is there. */
  isSound = true;
  /** The version field, which TLS 1.3 leaves at 1.2. */
  version = 0;
  /** Whether there is a server name extension. */
  hasName = false;
  /** First host name, up to 255 bytes. */
  name = "";
  /** First protocol of ALPN, up to 255 bytes. */
  alpn: Uint8Array = new Uint8Array(0);
  /** Lists of numbers as they stand in the message, up to 256 each. */
  readonly suites: number[] = [];
  readonly extensions: number[] = [];
  /** Length of each extension, bytes. */
  readonly lengths: number[] = [];
  /** Offset of each extension's content. */
  readonly offsets: number[] = [];
  readonly groups: number[] = [];
  readonly pointFormats: number[] = [];
  readonly signatures: number[] = [];
  readonly versions: number[] = [];
  #view: DataView = new DataView(new ArrayBuffer(0));
  #bytes: Uint8Array = new Uint8Array(0);

  /** The version that a server chose: of the extension when it is there. */
  get chosen(): number {
    return this.versions[0] ?? this.version;
  }

  /** ALPN's first protocol as text. */
  get alpnText(): string {
    return text.decode(this.alpn);
  }

  /** Read the handshake message between two offsets. Returns false when it is no hello or not whole. */
  read(bytes: Uint8Array, view: DataView, from: number, to: number): boolean {
    this.#reset(bytes, view);
    if (to - from < HANDSHAKE_HEADER + 2 + RANDOM + 1) return false;
    this.type = view.getUint8(from);
    if (this.type !== HELLO.client && this.type !== HELLO.server) return false;
    const end = from + HANDSHAKE_HEADER + (view.getUint32(from) & 0xffffff);
    if (end > to) return false;
    this.version = view.getUint16(from + HANDSHAKE_HEADER);
    const session = from + HANDSHAKE_HEADER + 2 + RANDOM;
    const sessionSize = view.getUint8(session);
    this.isSound = sessionSize <= SESSION_ID_MAX;
    const at = this.#choices(session + 1 + sessionSize, end);
    if (at < 0) return false;
    // Before TLS 1.3 a hello could end here.
    if (at === end) return true;
    if (at + 2 > end || at + 2 + view.getUint16(at) > end) return false;
    const extensionsEnd = at + 2 + view.getUint16(at);
    this.isSound &&= extensionsEnd === end;
    return this.#extensions(at + 2, extensionsEnd);
  }

  /** Read suites and pass over compression methods. Returns the offset behind them; -1 when they are not whole. */
  #choices(at: number, end: number): number {
    const view = this.#view;
    if (this.type === HELLO.server) {
      if (at + 3 > end) return -1;
      this.suites.push(view.getUint16(at));
      return at + 3;
    }
    if (at + 2 > end) return -1;
    const size = view.getUint16(at);
    const compression = at + 2 + size;
    if (compression + 1 > end) return -1;
    this.#numbers(this.suites, at + 2, compression);
    const methods = view.getUint8(compression);
    this.isSound &&= size > 0 && size % 2 === 0 && methods > 0;
    const behind = compression + 1 + methods;
    return behind > end ? -1 : behind;
  }

  /**
   * Read a ClientHello of SSL 2.0 between two offsets, the record's header included. Strict, since little tells it
   * from other protocols: each length must fit. Its suites have 24 bits.
   */
  readSsl2(bytes: Uint8Array, view: DataView, from: number, to: number): boolean {
    if (to - from < SSL2.header) return false;
    const size = view.getUint16(from);
    const version = view.getUint16(from + 3);
    const isHello =
      view.getUint8(from + 2) === HELLO.client && (version === 2 || version >>> 8 === 3);
    if (!isHello || size !== (0x8000 | (to - from - 2))) return false;
    const suites = view.getUint16(from + 5);
    const rest = view.getUint16(from + 7) + view.getUint16(from + 9);
    if (suites === 0 || suites % 3 !== 0 || SSL2.header + suites + rest !== to - from) return false;
    this.#reset(bytes, view);
    this.type = HELLO.client;
    this.version = version;
    const end = from + SSL2.header + Math.min(suites, 3 * LIST_MAX);
    for (let at = from + SSL2.header; at < end; at += 3)
      this.suites.push((view.getUint8(at) << 16) | view.getUint16(at + 1));
    return true;
  }

  #reset(bytes: Uint8Array, view: DataView): void {
    this.#bytes = bytes;
    this.#view = view;
    this.type = 0;
    this.isSound = true;
    this.version = 0;
    this.hasName = false;
    this.name = "";
    this.alpn = bytes.subarray(0, 0);
    this.suites.length = 0;
    this.extensions.length = 0;
    this.lengths.length = 0;
    this.offsets.length = 0;
    this.groups.length = 0;
    this.pointFormats.length = 0;
    this.signatures.length = 0;
    this.versions.length = 0;
  }

  #extensions(from: number, end: number): boolean {
    const view = this.#view;
    let at = from;
    while (at < end) {
      if (at + 4 > end) return false;
      const type = view.getUint16(at);
      const size = view.getUint16(at + 2);
      at += 4;
      if (at + size > end) return false;
      if (this.extensions.length < LIST_MAX) {
        this.extensions.push(type);
        this.lengths.push(size);
        this.offsets.push(at);
        this.#extension(type, at, at + size);
      }
      at += size;
    }
    return true;
  }

  #extension(type: number, at: number, end: number): void {
    if (type === EXTENSION.serverName) this.#name(at, end);
    else if (type === EXTENSION.groups) this.#numbers(this.groups, this.#list(at, end, 2), end);
    else if (type === EXTENSION.signatures)
      this.#numbers(this.signatures, this.#list(at, end, 2), end);
    else if (type === EXTENSION.alpn) this.#alpn(this.#list(at, end, 2), end);
    else if (type === EXTENSION.pointFormats)
      for (let i = this.#list(at, end, 1); i < Math.min(end, at + LIST_MAX); i++)
        this.pointFormats.push(this.#view.getUint8(i));
    // A client offers a list, a server answers with one.
    else if (type === EXTENSION.versions)
      this.#numbers(this.versions, this.type === HELLO.client ? this.#list(at, end, 1) : at, end);
  }

  /** Offset of the elements of a list that fills its extension, behind `width` bytes with its length. */
  #list(at: number, end: number, width: 1 | 2): number {
    const from = at + width;
    if (from > end) {
      this.isSound = false;
      return end;
    }
    const size = width === 1 ? this.#view.getUint8(at) : this.#view.getUint16(at);
    this.isSound &&= size === end - from;
    return from;
  }

  /** RFC 6066 section 3. An answer's extension is empty. */
  #name(at: number, end: number): void {
    this.hasName = true;
    if (this.type === HELLO.server && at === end) return;
    const from = this.#list(at, end, 2);
    if (from + 3 > end || this.#view.getUint8(from) !== 0) return;
    const size = this.#view.getUint16(from + 1);
    this.isSound &&= from + 3 + size <= end;
    const kept = Math.min(size, NAME_MAX, end - from - 3);
    this.name = text.decode(this.#bytes.subarray(from + 3, from + 3 + kept));
  }

  /** The first of a list of protocols (RFC 7301 section 3.1). */
  #alpn(at: number, end: number): void {
    if (at >= end) return;
    const size = this.#view.getUint8(at);
    this.isSound &&= size > 0 && at + 1 + size <= end;
    this.alpn = this.#bytes.subarray(at + 1, Math.min(at + 1 + size, end));
  }

  #numbers(list: number[], at: number, end: number): void {
    for (let i = at; i + 2 <= end && list.length < LIST_MAX; i += 2)
      list.push(this.#view.getUint16(i));
  }
}
