// SPDX-License-Identifier: BSD-3-Clause
/**
 * Initial packets of clients, whose keys come from what the packets themselves say: RFC 9001 section 5.2.
 * @module
 */
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { copyOf } from "./bytes.ts";
import type { LongHeader } from "./header.ts";
import type { Version } from "./versions.ts";

const HASH = 32;
const KEY = 16;
const IV = 12;
const TAG = 16;
const SAMPLE = 16;
/** The sample for the header's mask begins where the payload does when the packet number has four bytes. */
const NUMBER_MAX = 4;

/** Keys of a client's Initial packets. */
export interface InitialKeys {
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  /** Of the header's protection. */
  readonly hp: Uint8Array;
}

const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array =>
  createHmac("sha256", key).update(data).digest();

/** HKDF-Expand-Label (RFC 8446 section 7.1), of no context and one block at most. */
function expand(secret: Uint8Array, label: string, length: number): Uint8Array {
  const name = `tls13 ${label}`;
  const info = Uint8Array.of(0, length, name.length, ...Buffer.from(name, "latin1"), 0, 1);
  return hmac(secret, info).subarray(0, length);
}

/** The keys that a client has for Initial packets to a connection id of its choice. */
export function clientKeys({ salt, isSecond }: Version, target: Uint8Array): InitialKeys {
  const secret = expand(hmac(salt, target), "client in", HASH);
  const prefix = isSecond ? "quicv2" : "quic";
  return {
    key: expand(secret, `${prefix} key`, KEY),
    iv: expand(secret, `${prefix} iv`, IV),
    hp: expand(secret, `${prefix} hp`, KEY),
  };
}

/** Five bytes that hide the low bits of the first byte and the packet number (RFC 9001 section 5.4). */
export const headerMask = (hp: Uint8Array, sample: Uint8Array): Uint8Array =>
  createCipheriv("aes-128-ecb", hp, null)
    .update(sample)
    .subarray(0, 1 + NUMBER_MAX);

/** RFC 9001 section 5.3. */
export function nonceOf(iv: Uint8Array, number: number): Uint8Array {
  const nonce = copyOf(iv);
  for (let i = 0; i < NUMBER_MAX; i++) nonce[IV - 1 - i]! ^= (number >>> (8 * i)) & 255;
  return nonce;
}

/** Whether a packet is long enough to be opened: a number, a sample, a tag. */
const isWhole = ({ packetNumber, end }: LongHeader): boolean =>
  end - packetNumber >= NUMBER_MAX + SAMPLE;

/** The frames of an Initial packet; undefined when it was not protected with these keys. */
export function openInitial(
  bytes: Uint8Array,
  header: LongHeader,
  { key, iv, hp }: InitialKeys,
): Uint8Array | undefined {
  if (!isWhole(header)) return undefined;
  const { from, packetNumber, end } = header;
  const sample = packetNumber + NUMBER_MAX;
  const mask = headerMask(hp, bytes.subarray(sample, sample + SAMPLE));
  const first = bytes[from]! ^ (mask[0]! & 0x0f);
  const size = 1 + (first & 3);
  const payload = packetNumber + size;
  // What is authenticated is the header as it was before it was protected.
  const plain = copyOf(bytes, from, payload - from);
  plain[0] = first;
  let number = 0;
  for (let i = 0; i < size; i++) {
    const byte = bytes[packetNumber + i]! ^ mask[1 + i]!;
    plain[packetNumber - from + i] = byte;
    number = (number << 8) | byte;
  }
  const cipher = createDecipheriv("aes-128-gcm", key, nonceOf(iv, number));
  cipher.setAAD(plain).setAuthTag(bytes.subarray(end - TAG, end));
  const frames = cipher.update(bytes.subarray(payload, end - TAG));
  try {
    cipher.final();
  } catch {
    return undefined;
  }
  return frames;
}
