// SPDX-License-Identifier: BSD-3-Clause
import type { Pointer } from "bun:ffi";
import { errorBuffer, errorText, type Libpcap, libpcap } from "./library.ts";
import { type Direction, Pcap } from "./pcap.ts";
import { checkInteger, checkText, PcapError, type PcapErrorCode } from "./pcap-error.ts";

const INT32_MAX = 0x7fffffff;

/** PCAP_ERROR_PERM_DENIED and PCAP_ERROR_PROMISC_PERM_DENIED. */
const PERMISSION = [-8, -11];
/** PCAP_ERROR and PCAP_WARNING: "the text is in pcap_geterr()". Other statuses are texts themselves. */
const SEE_TEXT = [-1, 1];

export interface LiveOptions {
  /** Most bytes captured of a packet; 0 and the default are libpcap's maximum, 262,144. */
  readonly snaplen?: number;
  /** Also captures packets for other hosts. Default false. */
  readonly promiscuous?: boolean;
  /** Size of the kernel's capture buffer in bytes: what it holds, the reader may lag behind. Default 2 MiB. */
  readonly bufferBytes?: number;
  /** Longest time in milliseconds packets wait in the kernel to be delivered together. Default 60. */
  readonly timeoutMs?: number;
  /** Default "inout". */
  readonly direction?: Direction;
  /**
   * Delivers each packet at once instead of in blocks. Default false, and best left so: it makes
   * libpcap give up TPACKET_V3: the reader is woken for every packet, and each packet takes a whole
   * snaplen of the buffer. A reader that took a million packets a second without loss then lost
   * some at half that rate.
   */
  readonly immediate?: boolean;
}

/**
 * Opens a capture file, pcap or pcapng; `-` is standard input.
 * @throws {PcapError} ERR_PCAP_OPEN with libpcap's text, ERR_PCAP_LIBRARY
 * @example
 * using pcap = openOffline("trace.pcap");
 * while (pcap.next()) console.log(pcap.time, pcap.length, pcap.bytes);
 */
export function openOffline(path: string): Pcap {
  checkText("path", path);
  const library = libpcap();
  const handle = library.pcap_open_offline(path, errorBuffer());
  if (handle === null) {
    const text = errorText();
    throw new PcapError("ERR_PCAP_OPEN", text.includes(path) ? text : `${path}: ${text}`);
  }
  return new Pcap(library, handle as Pointer, { kind: "file", name: path });
}

/**
 * Opens a handle without packets, to compile filters for a link type.
 * @param linkType DLT_ value, 1 for Ethernet.
 * @param snaplen Bytes a filter keeps of a packet; with 0 none passes, and `compile()` says so.
 * @throws {PcapError} ERR_PCAP_ARGUMENT, ERR_PCAP_LIBRARY
 */
export function openDead(linkType = 1, snaplen = 262144): Pcap {
  checkInteger("linkType", linkType, 0, INT32_MAX);
  checkInteger("snaplen", snaplen, 0, INT32_MAX);
  const library = libpcap();
  const handle = library.pcap_open_dead(linkType, snaplen);
  if (handle === null) throw new PcapError("ERR_PCAP_OPEN", "pcap_open_dead: out of memory");
  return new Pcap(library, handle as Pointer, { kind: "dead", name: "dead handle" });
}

/**
 * Opens a network device, or all with `any`. The handle never blocks: read what is there, then
 * `wait()` as long as you like to be away. (A blocking read of libpcap would hold the thread's event
 * loop, and with TPACKET_V3 it does so for ever where there is no traffic, whatever the timeout.)
 * @throws {PcapError} ERR_PCAP_DEVICE, ERR_PCAP_PERMISSION, ERR_PCAP_ARGUMENT, ERR_PCAP_LIBRARY
 * @example
 * using pcap = openLive("eth0", { promiscuous: true, bufferBytes: 64 << 20 });
 * const batch = new PacketBatch();
 * while (running) if (pcap.readBatch(batch) === 0) pcap.wait(100);
 */
export function openLive(device: string, options: LiveOptions = {}): Pcap {
  checkText("device", device);
  checkOptions(options);
  const library = libpcap();
  const handle = library.pcap_create(device, errorBuffer()) as Pointer | null;
  if (handle === null) throw new PcapError("ERR_PCAP_DEVICE", `${device}: ${errorText()}`);
  let pcap: Pcap | undefined;
  try {
    configure(library, handle, options);
    const warning = activate(library, handle, device);
    if (library.pcap_setnonblock(handle, 1, errorBuffer()) !== 0) {
      throw new PcapError("ERR_PCAP_DEVICE", `${device}: ${errorText()}`);
    }
    pcap = new Pcap(library, handle, { kind: "device", name: device, warning });
    if (options.direction !== undefined) pcap.setDirection(options.direction);
    return pcap;
  } catch (error) {
    library.pcap_close(handle);
    throw error;
  }
}

function checkOptions(options: LiveOptions): void {
  checkInteger("snaplen", options.snaplen ?? 0, 0, INT32_MAX);
  checkInteger("bufferBytes", options.bufferBytes ?? 1, 1, INT32_MAX);
  checkInteger("timeoutMs", options.timeoutMs ?? 1, 1, INT32_MAX);
}

function configure(library: Libpcap, handle: Pointer, options: LiveOptions): void {
  // These fail only on a handle that is already active, which a new one is not.
  library.pcap_set_snaplen(handle, options.snaplen ?? 0);
  library.pcap_set_promisc(handle, options.promiscuous ? 1 : 0);
  library.pcap_set_timeout(handle, options.timeoutMs ?? 60);
  if (options.bufferBytes !== undefined) library.pcap_set_buffer_size(handle, options.bufferBytes);
  if (options.immediate) library.pcap_set_immediate_mode(handle, 1);
}

/** Returns libpcap's warning, if there is one. */
function activate(library: Libpcap, handle: Pointer, device: string): string | undefined {
  const status = library.pcap_activate(handle);
  if (status === 0) return undefined;
  const detail = library.pcap_geterr(handle) ?? "";
  const meaning = SEE_TEXT.includes(status) ? "" : (library.pcap_statustostr(status) ?? "");
  // The two are often the same text, and often one of them is empty.
  const text = [...new Set([meaning, detail])].filter((part) => part !== "").join(": ");
  if (status > 0) return text;
  let code: PcapErrorCode = "ERR_PCAP_DEVICE";
  let cure = "";
  if (PERMISSION.includes(status)) {
    code = "ERR_PCAP_PERMISSION";
    cure = "; run as root, or give the program the capability CAP_NET_RAW";
  }
  throw new PcapError(code, `${device}: ${text}${cure}`);
}
