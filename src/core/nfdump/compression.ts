// SPDX-License-Identifier: BSD-3-Clause
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { bzip2Bound, packBzip2, unpackBzip2 } from "./bzip2.ts";
import { lz4Bound, packLz4, unpackLz4 } from "./lz4.ts";
import { lzoBound, packLzo, unpackLzo } from "./lzo.ts";

/** How blocks are packed, by the numbers that file headers have. */
export const COMPRESSIONS = ["none", "lzo", "bz2", "lz4", "zstd"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Most bytes that a block of so many takes, however it is packed. */
export const packedBound = (length: number): number =>
  Math.max(lzoBound(length), lz4Bound(length), bzip2Bound(length));

/**
 * Unpack a block; returns its bytes, -1 when it is damaged or has more than there is room for.
 * @throws {NemeanError} ERR_LIBRARY for a system without libbz2
 */
export function unpack(method: Compression, packed: Uint8Array, into: Uint8Array): number {
  switch (method) {
    case "lzo":
      return unpackLzo(packed, into);
    case "lz4":
      return unpackLz4(packed, into);
    case "bz2":
      return unpackBzip2(packed, into);
    case "zstd":
      return unpackZstd(packed, into);
    case "none":
      if (packed.length > into.length) return -1;
      into.set(packed);
      return packed.length;
  }
}

function unpackZstd(packed: Uint8Array, into: Uint8Array): number {
  try {
    // None at all is no limit that it knows.
    const bytes = zstdDecompressSync(packed, { maxOutputLength: Math.max(1, into.length) });
    if (bytes.length > into.length) return -1;
    into.set(bytes);
    return bytes.length;
  } catch {
    return -1;
  }
}

/**
 * Pack a block into `into`, which has {@link packedBound} bytes; returns the length.
 * @throws {NemeanError} ERR_LIBRARY for a system without libbz2
 */
export function pack(method: Compression, bytes: Uint8Array, into: Uint8Array): number {
  switch (method) {
    case "lzo":
      return packLzo(bytes, into);
    case "lz4":
      return packLz4(bytes, into);
    case "bz2":
      return packBzip2(bytes, into);
    case "zstd": {
      const packed = zstdCompressSync(bytes);
      into.set(packed);
      return packed.length;
    }
    case "none":
      into.set(bytes);
      return bytes.length;
  }
}
