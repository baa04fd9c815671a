// SPDX-License-Identifier: BSD-3-Clause
import { dlopen, type FFIFunction, type Pointer, read } from "bun:ffi";

const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  accept4: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  getaddrinfo: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  freeaddrinfo: { args: ["ptr"], returns: "void" },
  gai_strerror: { args: ["i32"], returns: "cstring" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  send: { args: ["i32", "ptr", "usize", "i32"], returns: "i64" },
  recv: { args: ["i32", "ptr", "usize", "i32"], returns: "i64" },
  recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  mmap: { args: ["ptr", "usize", "i32", "i32", "i32", "i64"], returns: "ptr" },
  munmap: { args: ["ptr", "usize"], returns: "i32" },
  umask: { args: ["u32"], returns: "u32" },
  if_nametoindex: { args: ["cstring"], returns: "u32" },
  strerror: { args: ["i32"], returns: "cstring" },
  __errno_location: { args: [], returns: "ptr" },
} as const satisfies Record<string, FFIFunction>;

const load = () => dlopen("libc.so.6", SYMBOLS).symbols;

export type Libc = ReturnType<typeof load>;
let loaded: Libc | undefined;

/** The C library's calls that Bun has no other way to, loaded when first needed. Every address passed is of an ArrayBuffer. */
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

export const ERRNO = {
  perm: 1,
  noEntry: 2,
  interrupted: 4,
  again: 11,
  noMemory: 12,
  access: 13,
  noDevice: 19,
  pipe: 32,
  addressInUse: 98,
  netDown: 100,
  refused: 111,
  inProgress: 115,
} as const;
