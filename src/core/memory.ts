// SPDX-License-Identifier: BSD-3-Clause
import { dlopen, FFIType, type Pointer, toArrayBuffer } from "bun:ffi";

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MADV_HUGEPAGE = 14;
/** From here on memory is asked for in large pages. */
const LARGE = 2 << 20;

type Libc = ReturnType<typeof openLibc>;
let libc: Libc | undefined;

const openLibc = () =>
  dlopen("libc.so.6", {
    mmap: {
      args: [FFIType.u64, FFIType.u64, FFIType.i32, FFIType.i32, FFIType.i32, FFIType.i64],
      returns: FFIType.ptr,
    },
    madvise: { args: [FFIType.ptr, FFIType.u64, FFIType.i32], returns: FFIType.i32 },
    munmap: { args: [FFIType.ptr, FFIType.u64], returns: FFIType.i32 },
  }).symbols;

const unmapped = new FinalizationRegistry<{ address: Pointer; size: number }>(
  ({ address, size }) => {
    libc?.munmap(address, size);
  },
);

/**
 * Zeroed memory whose pages the kernel provides when they are first written.
 *
 * A table sized for its bound then costs what it holds, not what it could hold. `new ArrayBuffer` promises no
 * such thing: it was seen to fill 384 MB with zeroes at once in two runs of three. Returned to the
 * kernel when the buffer is collected. Falls back to `new ArrayBuffer` where there is no mmap.
 */
export function reserve(size: number): ArrayBuffer {
  if (process.platform !== "linux" || size < 1 << 20) return new ArrayBuffer(size);
  libc ??= openLibc();
  const address = libc.mmap(0 as never, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  // MAP_FAILED is all ones, far above any address of user space.
  if (!address || Number(address) < 0 || Number(address) > 2 ** 48)
    throw new RangeError(`cannot reserve ${size} bytes of memory`);
  // Large pages: a fourth of the page faults, which cost more than the table itself where memory is nested.
  if (size >= LARGE) libc.madvise(address as Pointer, size, MADV_HUGEPAGE);
  const buffer = toArrayBuffer(address as Pointer, 0, size);
  unmapped.register(buffer, { address: address as Pointer, size });
  return buffer;
}
