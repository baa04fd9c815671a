// SPDX-License-Identifier: BSD-3-Clause
/** What QUIC adds to a ClientHello. @module */
import { EXTENSION, type Hello } from "../tls/hello.ts";
import type { CryptoStream } from "./crypto-stream.ts";
import { VarintCursor } from "./varint.ts";

/** quic_transport_parameters: of RFC 9001 section 8.2, and of drafts 13 to 32 and 2 to 12. */
const PARAMETERS: readonly number[] = [0x39, 0xffa5, 0x26];
/** Parameter of Google's clients. */
const USER_AGENT = 0x3129;
const USER_AGENT_MAX = 255;
/** Bytes of extensions that are kept, as ipfixprobe keeps them. */
const RAW_MAX = 1500;
const NO_BYTES: Uint8Array = new Uint8Array(0);
const text = new TextDecoder();
const cursor = new VarintCursor();

/** The program that a client says it is, among its transport parameters (RFC 9000 section 18); empty without. */
export function userAgentOf(hello: Hello, { bytes, view }: CryptoStream): string {
  const i = hello.extensions.findIndex((type) => PARAMETERS.includes(type));
  if (i < 0) return "";
  const from = hello.offsets[i]!;
  cursor.set(view, from, from + hello.lengths[i]!);
  while (cursor.at < cursor.end && !cursor.failed) {
    const parameter = cursor.next();
    const size = cursor.next();
    const at = cursor.skip(size);
    if (parameter === USER_AGENT && !cursor.failed)
      return text.decode(bytes.subarray(at, at + Math.min(size, USER_AGENT_MAX)));
  }
  return "";
}

/** The contents of ALPN and of the transport parameters, one behind the other. */
export function rawExtensions(hello: Hello, { bytes }: CryptoStream): Uint8Array {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const [i, type] of hello.extensions.entries()) {
    if (type !== EXTENSION.alpn && !PARAMETERS.includes(type)) continue;
    const length = hello.lengths[i]!;
    if (size + length > RAW_MAX) continue;
    const at = hello.offsets[i]!;
    parts.push(bytes.subarray(at, at + length));
    size += length;
  }
  return size === 0 ? NO_BYTES : new Uint8Array(Buffer.concat(parts));
}
