// SPDX-License-Identifier: BSD-3-Clause
import { dlopen, type FFIFunction, type Pointer, read } from "bun:ffi";

const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  send: { args: ["i32", "ptr", "usize", "i32"], returns: "i64" },
  recv: { args: ["i32", "ptr", "usize", "i32"], returns: "i64" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  mmap: { args: ["ptr", "usize", "i32", "i32", "i32", "i64"], returns: "ptr" },
  munmap: { args: ["ptr", "usize"], returns: "i32" },
  if_nametoindex: { args: ["cstring"], returns: "u32" },
  strerror: { args: ["i32"], returns: "cstring" },
  __errno_location: { args: [], returns: "ptr" },
} as const satisfies Record<string, FFIFunction>;

const load = () => dlopen("libc.so.6", SYMBOLS).symbols;

export type Libc = ReturnType<typeof load>;
let loaded: Libc | undefined;

/** The C library's calls for packet sockets, loaded when first needed. Every address passed is of an ArrayBuffer. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

/** What the last call that failed left in errno. Ask before any other call. */
export const errno = (): number => read.i32(libc().__errno_location() as Pointer, 0);

/** The system's text for an errno, with its number: `Device or resource busy (16)`. */
export const errnoText = (number: number): string =>
  `${String(libc().strerror(number))} (${number})`;

/** Whether mmap() failed: MAP_FAILED is all ones, far above any address of user space. */
export const mapFailed = (address: unknown): boolean =>
  !address || Number(address) < 0 || Number(address) > 2 ** 48;

export const ERRNO = { perm: 1, noDevice: 19, noMemory: 12, access: 13, netDown: 100 } as const;
