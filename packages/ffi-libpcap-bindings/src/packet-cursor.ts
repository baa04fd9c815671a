// SPDX-License-Identifier: BSD-3-Clause
import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import type { Libpcap } from "./library.ts";
import { PcapError } from "./pcap-error.ts";

const PACKET = 1;
/** PCAP_ERROR_BREAK: the end of a file. */
const END = -2;

/** sizeof(struct pcap_pkthdr) where time_t and long have 64 bits. */
const HEADER_SIZE = 24;
const INT32_MAX = 0x7fffffff;

/**
 * The walk over a handle's packets by pcap_next_ex(), and the current packet's header.
 *
 * libpcap keeps one struct pcap_pkthdr in each handle and fills it anew for every packet, so one
 * view of that struct serves all packets: reading a header costs no call into C.
 *
 *     struct pcap_pkthdr   │ tv_sec 8 │ tv_usec 8 │ caplen 4 │ len 4 │
 *     header[i]            │ 0      1 │ 2       3 │ 4        │ 5     │
 */
export class PacketCursor {
  readonly #library: Libpcap;
  readonly #handle: Pointer;
  readonly #name: string;
  /** An error ends a file: what follows it is not at a record's border. A device may come back. */
  readonly #errorEnds: boolean;

  /** pcap_next_ex() puts two addresses here: of the header and of the packet's bytes. */
  readonly #found = new Uint32Array(new ArrayBuffer(16));
  readonly #foundHeader = ptr(this.#found);
  readonly #foundBytes = ptr(this.#found, 8);

  #header = new Int32Array(new ArrayBuffer(HEADER_SIZE));
  #headerLow = 0;
  #headerHigh = 0;
  #held = false;
  #failure: PcapError | undefined;

  /** Whether there is a current packet. */
  current = false;
  /** Whether the file has no more packets. */
  ended = false;

  constructor(library: Libpcap, handle: Pointer, name: string, errorEnds: boolean) {
    this.#library = library;
    this.#handle = handle;
    this.#name = name;
    this.#errorEnds = errorEnds;
  }

  /** Steps to the next packet; false when there is none now, at the end, and at an error. */
  advance(): boolean {
    if (this.#held) {
      this.#held = false;
      this.current = true;
      return true;
    }
    this.current = false;
    if (this.ended || this.#failure !== undefined) return false;
    const found = this.#found;
    const status = this.#library.pcap_next_ex(this.#handle, this.#foundHeader, this.#foundBytes);
    if (status !== PACKET) return this.#stop(status);
    if (found[0] !== this.#headerLow || found[1] !== this.#headerHigh) this.#viewHeader();
    this.current = true;
    return true;
  }

  /** Throws the error that {@link advance} met, once. */
  throwFailure(): void {
    const failure = this.#failure;
    if (failure === undefined) return;
    this.#failure = undefined;
    this.ended = this.#errorEnds;
    throw failure;
  }

  /** Makes the next {@link advance} give the current packet again. libpcap keeps it until then. */
  hold(): void {
    this.#held = true;
    this.current = false;
  }

  /** Whether the next {@link advance} needs nothing from the device or file. */
  get ready(): boolean {
    return this.#held || this.ended || this.#failure !== undefined;
  }

  get time(): number {
    const header = this.#header;
    // The seconds of a pcap file are unsigned, but libpcap extends their sign: after 2038 the high
    // word is -1.
    const high = Math.max(header[1]!, 0);
    return ((header[0]! >>> 0) + high * 4294967296) * 1e6 + header[2]!;
  }

  get captured(): number {
    return this.#header[4]!;
  }

  get length(): number {
    const length = this.#header[5]!;
    return length < 0 ? INT32_MAX : length;
  }

  /** Address of the current packet's bytes, which are libpcap's until the next {@link advance}. */
  get address(): Pointer {
    return (this.#found[2]! + this.#found[3]! * 4294967296) as Pointer;
  }

  /** Forgets libpcap's memory. To be called before it is freed. */
  release(): void {
    this.#header = new Int32Array(new ArrayBuffer(HEADER_SIZE));
    this.#held = false;
    this.#failure = undefined;
    this.current = false;
    this.ended = true;
  }

  #stop(status: number): false {
    if (status === END) this.ended = true;
    else if (status < 0) {
      const text = this.#library.pcap_geterr(this.#handle) || `libpcap status ${status}`;
      this.#failure = new PcapError("ERR_PCAP_READ", `${this.#name}: ${text}`);
    }
    return false;
  }

  #viewHeader(): void {
    this.#headerLow = this.#found[0]!;
    this.#headerHigh = this.#found[1]!;
    const address = (this.#headerLow + this.#headerHigh * 4294967296) as Pointer;
    this.#header = new Int32Array(toArrayBuffer(address, 0, HEADER_SIZE));
  }
}
