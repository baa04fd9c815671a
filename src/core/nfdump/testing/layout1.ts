// SPDX-License-Identifier: BSD-3-Clause
/** Files of layout 1, made by hand for tests: nothing writes them any more. @module */
import { type Compression, pack, packedBound } from "../compression.ts";
import { COMPRESSION_FLAGS, HEAD_BYTES, MAGIC } from "../format.ts";

const IDENT_AT = 12;

/** Numbers in little-endian order: `u16(1, 2)`, `u64(5n)`. */
export const u8 = (...values: number[]): Buffer => Buffer.from(values);
export const u16 = (...values: number[]): Buffer => numbers(2, values.map(BigInt));
export const u32 = (...values: number[]): Buffer => numbers(4, values.map(BigInt));
export const u64 = (...values: (number | bigint)[]): Buffer => numbers(8, values.map(BigInt));

function numbers(size: number, values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(size * values.length);
  for (const [i, value] of values.entries())
    for (let k = 0; k < size; k++) bytes[i * size + k] = Number((value >> BigInt(8 * k)) & 255n);
  return bytes;
}

/** A record of that type, with its length in front. */
export const record = (type: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u16(type, 4 + body.length), body]);
};

export interface Block {
  readonly records: readonly Uint8Array[];
  readonly type?: number;
  /** Whether it stays unpacked in a file whose blocks are packed. */
  readonly isPlain?: boolean;
}

/** A file of these blocks. */
export function layout1(compression: Compression, blocks: readonly Block[]): Buffer {
  const head = Buffer.alloc(HEAD_BYTES[1]);
  const flag = COMPRESSION_FLAGS.find(([, name]) => name === compression)?.[0] ?? 0;
  head.set(Buffer.concat([u16(MAGIC, 1), u32(flag, blocks.length)]));
  head.write("made", IDENT_AT);
  return Buffer.concat([head, ...blocks.map((block) => blockOf(compression, block))]);
}

function blockOf(compression: Compression, { records, type = 2, isPlain = false }: Block): Buffer {
  const plain = new Uint8Array(
    new ArrayBuffer(records.reduce((sum, { length }) => sum + length, 0)),
  );
  plain.set(Buffer.concat(records));
  const into = new Uint8Array(new ArrayBuffer(packedBound(plain.length)));
  const packed = into.subarray(0, pack(isPlain ? "none" : compression, plain, into));
  const flags = isPlain ? 1 : 0;
  return Buffer.concat([u32(records.length, packed.length), u16(type, flags), packed]);
}
