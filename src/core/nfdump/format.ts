// SPDX-License-Identifier: BSD-3-Clause
/**
 * The layouts of nfdump's files. All numbers are little-endian, as the machine was that wrote them.
 *
 * Layout 2 (nfdump 1.7): a head of 40 bytes, blocks of flows, and at `offAppendix` blocks that tell of the file.
 *
 * ```text
 *   0 uint16 magic   2 uint16 layout   4 uint32 version of nfdump   8 uint64 created, seconds since 1970
 *   16 uint8 compression   17 uint8 encryption   18 uint16 blocks of the appendix   20 uint32 creator
 *   24 uint64 offset of the appendix   32 uint32 block size   36 uint32 blocks
 * ```
 *
 * Layout 1 (nfdump 1.6): a head of 140 bytes, statistics of 136, blocks of flows.
 *
 * ```text
 *   0 uint16 magic   2 uint16 layout   4 uint32 flags   8 uint32 blocks   12 char[128] name of the source
 * ```
 *
 * A block, in both: `uint32 records, uint32 bytes, uint16 type, uint16 flags`, then so many bytes, packed or not; they hold
 * records that begin with `uint16 type, uint16 bytes`, these 4 included.
 * @module
 */
import type { Compression } from "./compression.ts";

export const MAGIC = 0xa50c;
/** The magic of a machine that writes its numbers the other way round. */
export const MAGIC_SWAPPED = 0x0ca5;

export const HEAD_BYTES = { 1: 140 + 136, 2: 40 } as const;
export const HEAD = {
  layout: 2,
  version: 4,
  created: 8,
  compression: 16,
  encryption: 17,
  appendixBlocks: 18,
  creator: 20,
  appendix: 24,
  blocks: 36,
} as const;
/** Of layout 1. */
export const FLAGS_AT = 4;

/** How layout 1 says that its blocks are packed. */
export const COMPRESSION_FLAGS: readonly (readonly [flag: number, compression: Compression])[] = [
  [0x01, "lzo"],
  [0x08, "bz2"],
  [0x10, "lz4"],
];

export const BLOCK_HEAD_BYTES = 12;
/** Types of blocks that have records one behind the other: of layouts 1 and 2. */
export const BLOCK_TYPE = { 1: 2, 2: 3 } as const;
/** The flag of a block that is not packed in a file whose blocks are: of both layouts. */
export const BLOCK_IS_PLAIN = 1;
/** Most bytes of a block, packed or not: nfdump's own buffer. */
export const BLOCK_BYTES_MAX = 5 << 20;

export const RECORD_HEAD_BYTES = 4;
/** Types of records. */
export const RECORD = {
  /** Flows of layout 1, older and newer. */
  common0: 1,
  extensionMap: 2,
  common: 10,
  /** A flow of layout 2. */
  v3: 11,
  /** In the appendix. */
  ident: 0x8001,
  statistics: 0x8002,
} as const;

/** Bytes in front of the extensions of a V3 record. */
export const V3_HEAD_BYTES = 12;
/** Bytes in front of each extension: its number, its length with these. */
export const EXTENSION_HEAD_BYTES = 4;
