// SPDX-License-Identifier: BSD-3-Clause

const SLASH = 0x2f;
const QUESTION = 0x3f;
const HASH = 0x23;
const PERCENT = 0x25;
const COLON = 0x3a;
const DOT = 0x2e;
const AT = 0x40;
const W = 0x77;
const BRACKET = 0x5b;
const BRACKET_END = 0x5d;
/** Bytes of `www.`, and of an escape. */
const WWW = 4;
const ESCAPE = 3;
const DIGITS = Buffer.from("0123456789abcdef");
/** A host and its port. */
const HOST_MAX = 300;

/** Bytes of a key; what is longer is not looked up. */
const KEY_MAX = 4096;
const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;
const SCHEMES = [Buffer.from("http://"), Buffer.from("https://")];
const SPACE = /[\s\p{Cc}]/u;
/** What may stand in a host, besides a port: names as they go over the wire, addresses. */
const HOST = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;
/** The root's dot, in front of a port or not. */
const ROOT = /\.(?=$|:[0-9])/;
const AUTHORITY_END = /[/?#]/;
const UNRESERVED_TEXT = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

const LOWER = Uint8Array.from({ length: 256 }, (_, c) => (c >= 0x41 && c <= 0x5a ? c + 32 : c));
/** RFC 3986 section 2.3: the same with and without an escape. */
const UNRESERVED = Uint8Array.from({ length: 256 }, (_, c) =>
  UNRESERVED_TEXT.includes(String.fromCharCode(c)) ? 1 : 0,
);
/** The value of a hexadecimal digit; -1 of what is none. */
const HEX = Int8Array.from({ length: 256 }, (_, c) => DIGITS.indexOf(LOWER[c]!));

/** Part of some bytes. */
export interface Span {
  bytes: Uint8Array;
  from: number;
  to: number;
}

/**
 * A URL as it is compared, in memory of its own: `host[:port]/path?query`.
 *
 * Not part of it: the scheme, a user, the ports 80 and 443, `www.` in front, the root's dot, a fragment, a slash at the path's
 * end. The same are letters of either case, bytes and their escapes (`%61`), and paths with `.` and `..` resolved.
 */
export class UrlKey {
  readonly bytes = new Uint8Array(KEY_MAX);
  /** Bytes of the key, of it without the query, and of the host with its port. */
  length = 0;
  pathLength = 0;
  hostLength = 0;
  /** The target of the request, from its path on. */
  #target: Uint8Array = this.bytes;
  #targetAt = 0;
  #targetEnd = 0;

  /** The key of a line of a list; false when it is no URL. */
  ofText(text: string): boolean {
    const rest = text.replace(SCHEME, "");
    if (rest === "" || SPACE.test(rest)) return false;
    const end = rest.search(AUTHORITY_END);
    const authority = end < 0 ? rest : rest.slice(0, end);
    const host = authority.slice(authority.lastIndexOf("@") + 1);
    if (!HOST.test(host.replace(ROOT, ""))) return false;
    const hostBytes = Buffer.from(host);
    const path = Buffer.from(end < 0 ? "" : rest.slice(end));
    this.length = 0;
    if (!this.#host(hostBytes, 0, hostBytes.length)) return false;
    return this.#append(path, 0, path.length);
  }

  /**
   * Begin the key of a request with its host: that of the target (RFC 9112 section 3.2), when it is a whole URL, else the
   * Host field. False when there is none.
   */
  host(field: Span, target: Span): boolean {
    const { bytes, from, to } = target;
    const authority = afterScheme(bytes, from, to);
    this.length = 0;
    this.#target = bytes;
    this.#targetEnd = to;
    if (authority >= 0) {
      let path = authority;
      while (path < to && !ends(bytes[path]!)) path++;
      this.#targetAt = path;
      return this.#host(bytes, authority, path);
    }
    // `*` and the target of CONNECT have no path.
    this.#targetAt = from < to && ends(bytes[from]!) ? from : to;
    return this.#host(field.bytes, field.from, field.to);
  }

  /** End the key with the target's path and query; false when it is too long. */
  path(): boolean {
    return this.#append(this.#target, this.#targetAt, this.#targetEnd);
  }

  #host(bytes: Uint8Array, from: number, to: number): boolean {
    let at = from;
    for (let i = from; i < to; i++) if (bytes[i] === AT) at = i + 1;
    if (isWww(bytes, at, to)) at += WWW;
    let end = at;
    if (bytes[at] === BRACKET) while (end < to && bytes[end] !== BRACKET_END) end++;
    while (end < to && bytes[end] !== COLON) end++;
    const port = end;
    if (end > at && bytes[end - 1] === DOT) end--;
    if (end === at || to - at > HOST_MAX) return false;
    for (let i = at; i < end; i++) this.bytes[this.length++] = LOWER[bytes[i]!]!;
    if (!isUsual(bytes, port + 1, to))
      for (let i = port; i < to; i++) this.bytes[this.length++] = bytes[i]!;
    this.hostLength = this.length;
    return true;
  }

  #append(bytes: Uint8Array, from: number, to: number): boolean {
    let at = from;
    for (
      ;
      at < to && bytes[at] !== QUESTION && bytes[at] !== HASH;
      at = this.#byte(bytes, at, to)
    ) {
      if (this.length > KEY_MAX - ESCAPE) return false;
      if (bytes[at] === SLASH) this.#closeSegment();
    }
    this.#closeSegment();
    if (this.bytes[this.length - 1] === SLASH && this.length > this.hostLength) this.length--;
    this.pathLength = this.length;
    if (at + 1 >= to || bytes[at] !== QUESTION) return true;
    for (; at < to && bytes[at] !== HASH; at = this.#byte(bytes, at, to))
      if (this.length > KEY_MAX - ESCAPE) break; // The path alone can still be known.
    return true;
  }

  /** Append what stands at `at`, a byte or an escape; returns where the next one stands. */
  #byte(bytes: Uint8Array, at: number, to: number): number {
    const byte = bytes[at]!;
    if (byte === PERCENT && at + 2 < to) {
      const code = HEX[bytes[at + 1]!]! * 16 + HEX[bytes[at + 2]!]!;
      if (HEX[bytes[at + 1]!]! >= 0 && HEX[bytes[at + 2]!]! >= 0 && UNRESERVED[code] === 1) {
        this.bytes[this.length++] = LOWER[code]!;
        return at + 3;
      }
    }
    if (byte < 0x80) this.bytes[this.length++] = LOWER[byte]!;
    else {
      this.bytes[this.length++] = PERCENT;
      this.bytes[this.length++] = DIGITS[byte >>> 4]!;
      this.bytes[this.length++] = DIGITS[byte & 15]!;
    }
    return at + 1;
  }

  /** Resolve `.` and `..` where they are a whole segment (RFC 3986 section 5.2.4). */
  #closeSegment(): void {
    const { bytes, length } = this;
    if (length - this.hostLength < 2 || bytes[length - 1] !== DOT) return;
    if (bytes[length - 2] === SLASH) this.length -= 2;
    else if (bytes[length - 2] === DOT && bytes[length - 3] === SLASH) {
      this.length -= 3;
      while (this.length > this.hostLength && bytes[--this.length] !== SLASH);
    }
  }
}

/** Whether a host begins with `www.`. */
const isWww = (bytes: Uint8Array, from: number, to: number): boolean =>
  to - from > WWW &&
  bytes[from + 3] === DOT &&
  LOWER[bytes[from]!] === W &&
  LOWER[bytes[from + 1]!] === W &&
  LOWER[bytes[from + 2]!] === W;

/** Whether these digits are the port of HTTP or HTTPS, or none. */
const isUsual = (bytes: Uint8Array, from: number, to: number): boolean => {
  let port = 0;
  for (let i = from; i < to; i++) port = port * 10 + (bytes[i]! - 0x30);
  return port === 0 || port === 80 || port === 443;
};

/** Where the authority of `http://` or `https://` begins; -1 where there is none. */
function afterScheme(bytes: Uint8Array, from: number, to: number): number {
  for (const scheme of SCHEMES) {
    let i = 0;
    while (i < scheme.length && from + i < to && LOWER[bytes[from + i]!] === scheme[i]) i++;
    if (i === scheme.length) return from + i;
  }
  return -1;
}

const ends = (byte: number): boolean => byte === SLASH || byte === QUESTION || byte === HASH;
