// SPDX-License-Identifier: BSD-3-Clause
import { dlopen, type FFIFunction } from "bun:ffi";
import { EXIT, messageOf, NemeanError } from "../errors.ts";

const SYMBOLS = {
  BZ2_bzBuffToBuffCompress: {
    args: ["ptr", "ptr", "ptr", "u32", "i32", "i32", "i32"],
    returns: "i32",
  },
  BZ2_bzBuffToBuffDecompress: { args: ["ptr", "ptr", "ptr", "u32", "i32", "i32"], returns: "i32" },
} as const satisfies Record<string, FFIFunction>;

/** Debian and its kin, then the others. */
const LIBRARIES = ["libbz2.so.1.0", "libbz2.so.1"] as const;
/** Hundreds of kilobytes that are sorted at once: what a block of nfdump needs. */
const BLOCK_SIZE = 9;

const bind = (name: string) => dlopen(name, SYMBOLS).symbols;
let loaded: ReturnType<typeof bind> | undefined;
/** Room for what was packed or unpacked, and its length: both ways. Memory that C is given must not move. */
const length = new Uint32Array(new ArrayBuffer(4));

/**
 * The system's libbz2, loaded when first needed: only files packed by it do.
 * @throws {NemeanError} ERR_LIBRARY, exit 71, with the loader's words and the cure
 */
function libbz2(): ReturnType<typeof bind> {
  loaded ??= loadBzip2(LIBRARIES);
  return loaded;
}

/**
 * Load the first of these libraries that is there.
 * @throws {NemeanError} ERR_LIBRARY
 */
export function loadBzip2(names: readonly string[]): ReturnType<typeof bind> {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return bind(name);
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  throw new NemeanError(
    "ERR_LIBRARY",
    EXIT.os,
    `libbz2, which files packed by bzip2 need, cannot be loaded (${failures.join("; ")}); install it: ` +
      "apt-get install libbz2-1.0, or dnf install bzip2-libs",
  );
}

/** Most bytes that {@link packBzip2} makes of so many, by libbz2's manual. */
export const bzip2Bound = (bytes: number): number => bytes + Math.ceil(bytes / 100) + 600;

/**
 * Unpack a stream; returns its bytes, -1 when it is damaged or has no room. Both arrays lie in ArrayBuffers.
 * @throws {NemeanError} ERR_LIBRARY
 */
export function unpackBzip2(packed: Uint8Array, into: Uint8Array): number {
  length[0] = into.length;
  const { BZ2_bzBuffToBuffDecompress: unpack } = libbz2();
  return unpack(into, length, packed, packed.length, 0, 0) === 0 ? length[0]! : -1;
}

/**
 * Pack bytes into `into`, which has {@link bzip2Bound} bytes; returns the length.
 * @throws {NemeanError} ERR_LIBRARY
 */
export function packBzip2(bytes: Uint8Array, into: Uint8Array): number {
  length[0] = into.length;
  const { BZ2_bzBuffToBuffCompress: pack } = libbz2();
  const code = pack(into, length, bytes, bytes.length, BLOCK_SIZE, 0, 0);
  if (code !== 0) throw new Error(`libbz2 has failed: ${code}`);
  return length[0]!;
}
