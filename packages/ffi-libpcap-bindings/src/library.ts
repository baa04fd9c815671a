// SPDX-License-Identifier: BSD-3-Clause
import { dlopen, type FFIFunction } from "bun:ffi";
import { PcapError } from "./pcap-error.ts";

/** Names under which distributions install libpcap: upstream's soname, then Debian's. */
export const LIBRARY_NAMES: readonly string[] = ["libpcap.so.1", "libpcap.so.0.8"];

/** libpcap's PCAP_ERRBUF_SIZE: every function with an `errbuf` writes at most this much. */
const ERROR_TEXT_SIZE = 256;

// memcpy, poll and inet_ntop come through libpcap's own dependency on the C library: dlsym searches
// the libraries a library was linked with. So there is no second library whose name must be guessed.
const SYMBOLS = {
  memcpy: { args: ["ptr", "ptr", "usize"], returns: "void" },
  poll: { args: ["ptr", "usize", "i32"], returns: "i32" },
  inet_ntop: { args: ["i32", "ptr", "ptr", "u32"], returns: "cstring" },

  pcap_lib_version: { args: [], returns: "cstring" },
  pcap_statustostr: { args: ["i32"], returns: "cstring" },
  pcap_datalink_val_to_name: { args: ["i32"], returns: "cstring" },
  pcap_findalldevs: { args: ["ptr", "ptr"], returns: "i32" },
  pcap_freealldevs: { args: ["ptr"], returns: "void" },

  pcap_open_offline: { args: ["cstring", "ptr"], returns: "ptr" },
  pcap_open_dead: { args: ["i32", "i32"], returns: "ptr" },
  pcap_create: { args: ["cstring", "ptr"], returns: "ptr" },
  pcap_set_snaplen: { args: ["ptr", "i32"], returns: "i32" },
  pcap_set_promisc: { args: ["ptr", "i32"], returns: "i32" },
  pcap_set_buffer_size: { args: ["ptr", "i32"], returns: "i32" },
  pcap_set_timeout: { args: ["ptr", "i32"], returns: "i32" },
  pcap_set_immediate_mode: { args: ["ptr", "i32"], returns: "i32" },
  pcap_activate: { args: ["ptr"], returns: "i32" },
  pcap_setnonblock: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  pcap_close: { args: ["ptr"], returns: "void" },

  pcap_geterr: { args: ["ptr"], returns: "cstring" },
  pcap_datalink: { args: ["ptr"], returns: "i32" },
  pcap_snapshot: { args: ["ptr"], returns: "i32" },
  pcap_get_selectable_fd: { args: ["ptr"], returns: "i32" },
  pcap_setdirection: { args: ["ptr", "i32"], returns: "i32" },
  pcap_stats: { args: ["ptr", "ptr"], returns: "i32" },
  pcap_inject: { args: ["ptr", "ptr", "usize"], returns: "i32" },
  pcap_next_ex: { args: ["ptr", "ptr", "ptr"], returns: "i32" },

  pcap_compile: { args: ["ptr", "ptr", "cstring", "i32", "u32"], returns: "i32" },
  pcap_setfilter: { args: ["ptr", "ptr"], returns: "i32" },
  pcap_freecode: { args: ["ptr"], returns: "void" },
  bpf_filter: { args: ["ptr", "ptr", "u32", "u32"], returns: "u32" },
} as const satisfies Record<string, FFIFunction>;

const bind = (name: string) => dlopen(name, SYMBOLS).symbols;

/** The functions of libpcap this package calls. */
export type Libpcap = ReturnType<typeof bind>;

/**
 * Loads the first of these shared libraries that is present.
 * @throws {PcapError} ERR_PCAP_LIBRARY, with the loader's own words and the cure.
 */
export function loadLibrary(names: readonly string[]): Libpcap {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return bind(name);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new PcapError(
    "ERR_PCAP_LIBRARY",
    `libpcap cannot be loaded (${failures.join("; ")}); install it: ` +
      "apt-get install libpcap0.8, dnf install libpcap, or apk add libpcap",
  );
}

let loaded: Libpcap | undefined;

/** libpcap, loaded at the first call, so that importing this package needs nothing installed. */
export function libpcap(): Libpcap {
  loaded ??= loadLibrary(LIBRARY_NAMES);
  return loaded;
}

/** Whether libpcap is installed and has every function this package needs. Never throws. */
export function libpcapAvailable(): boolean {
  try {
    libpcap();
    return true;
  } catch {
    return false;
  }
}

/**
 * libpcap's description of itself: `"libpcap version 1.10.3 (with TPACKET_V3)"`.
 * @throws {PcapError} ERR_PCAP_LIBRARY
 */
export function libraryVersion(): string {
  return libpcap().pcap_lib_version() ?? "libpcap";
}

// An explicit ArrayBuffer: Bun may move a small typed array that has none, under C's feet.
const errorBytes = new Uint8Array(new ArrayBuffer(ERROR_TEXT_SIZE));

/** The buffer to pass as `errbuf`; what C wrote into it is read by {@link errorText}. */
export function errorBuffer(): Uint8Array {
  errorBytes[0] = 0;
  return errorBytes;
}

/** The text libpcap left in {@link errorBuffer}. */
export function errorText(): string {
  return new TextDecoder().decode(errorBytes.subarray(0, errorBytes.indexOf(0)));
}
