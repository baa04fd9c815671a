// SPDX-License-Identifier: BSD-3-Clause

/** A copy of some bytes; `slice` of Node's buffers would be none. */
export const copyOf = (bytes: Uint8Array, at = 0, length = bytes.length): Uint8Array =>
  new Uint8Array(bytes.subarray(at, at + length));

/** Whether the bytes at an offset are these. */
export function isAt(bytes: Uint8Array, at: number, length: number, value: Uint8Array): boolean {
  if (length !== value.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== value[i]) return false;
  return true;
}
