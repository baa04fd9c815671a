// SPDX-License-Identifier: BSD-3-Clause
import type { Pointer } from "bun:ffi";
import { type BpfProgram, compileFor } from "./bpf-program.ts";
import { BytesAddress } from "./bytes-address.ts";
import type { Libpcap } from "./library.ts";
import type { PacketColumns } from "./packet-batch.ts";
import { PacketCursor } from "./packet-cursor.ts";
import { checkInteger, PcapError, type PcapErrorCode } from "./pcap-error.ts";

/** Which packets of a device are captured, seen from this host. */
export type Direction = "in" | "out" | "inout";

const DIRECTIONS: Readonly<Record<Direction, number>> = { inout: 0, in: 1, out: 2 };
const POLLIN = 1;

/** Packets of a live capture since it was opened. */
export interface PcapStats {
  /** Packets that passed the filter, those dropped included (so it is on Linux). */
  readonly received: number;
  /** Packets dropped because the capture buffer was full: the reader was too slow. */
  readonly dropped: number;
  /** Packets dropped by the interface or its driver, where the system tells; else 0. */
  readonly interfaceDropped: number;
}

/** What the `open…` functions know of a handle. */
export interface PcapOrigin {
  readonly kind: "file" | "device" | "dead";
  /** The file's path or the device's name, as error messages give it. */
  readonly name: string;
  /** What libpcap had to say although the device could be opened, such as that it is never promiscuous. */
  readonly warning?: string | undefined;
}

/**
 * An open capture: a file, a device, or a dead handle that only compiles filters.
 * Made by `openOffline()`, `openLive()` and `openDead()`; close it, or hold it with `using`.
 *
 * It is also a cursor over its packets: {@link next} steps, and {@link time}, {@link captured},
 * {@link length} and {@link bytes} tell of the current packet. {@link readBatch} is the fast way.
 */
export class Pcap implements Disposable {
  readonly kind: PcapOrigin["kind"];
  readonly name: string;
  readonly warning: string | undefined;
  /** DLT_ value of the packets, 1 for Ethernet; `linkTypeName()` names it. */
  readonly linkType: number;
  /** Most bytes captured of a packet. */
  readonly snaplen: number;

  readonly #library: Libpcap;
  readonly #cursor: PacketCursor;
  readonly #target = new BytesAddress();
  #handle: Pointer | undefined;

  /** struct pollfd: fd 4, events 2, revents 2. */
  readonly #pollfd = new Int32Array(new ArrayBuffer(8));

  // struct pcap_stat has counters of 32 bits: they are summed here, so that they do not wrap.
  readonly #counters = new Uint32Array(new ArrayBuffer(12));
  readonly #countersBefore = new Uint32Array(3);
  readonly #totals = new Float64Array(3);

  /** @internal */
  constructor(library: Libpcap, handle: Pointer, origin: PcapOrigin) {
    this.kind = origin.kind;
    this.name = origin.name;
    this.warning = origin.warning;
    this.linkType = library.pcap_datalink(handle);
    this.snaplen = library.pcap_snapshot(handle);
    this.#library = library;
    this.#handle = handle;
    this.#cursor = new PacketCursor(library, handle, origin.name, origin.kind === "file");
  }

  /**
   * Steps to the next packet. Never waits for a device: false also means "none yet", see
   * {@link wait} and {@link ended}.
   * @throws {PcapError} ERR_PCAP_READ with libpcap's text, ERR_PCAP_CLOSED
   */
  next(): boolean {
    this.#opened();
    if (this.#cursor.advance()) return true;
    this.#cursor.throwFailure();
    return false;
  }

  /** Whether all packets of the file were read. Always false for an open device. */
  get ended(): boolean {
    return this.#cursor.ended;
  }

  /** Capture time of the current packet, in whole microseconds since 1970. */
  get time(): number {
    return this.#packet().time;
  }

  /** Bytes captured of the current packet. */
  get captured(): number {
    return this.#packet().captured;
  }

  /** Bytes of the current packet on the wire. A file may claim anything, even less than captured. */
  get length(): number {
    return this.#packet().length;
  }

  /** A copy of the current packet's bytes. It is the caller's to keep: it never goes stale. */
  get bytes(): Uint8Array {
    const { captured, address } = this.#packet();
    const bytes = new Uint8Array(captured);
    if (captured > 0) this.#library.memcpy(bytes, address, captured);
    return bytes;
  }

  /**
   * Copies packets into `batch` until it is full or no packet is there, and returns how many: 0 at
   * the end of a file and when a device has none yet. A packet that no longer fits comes first in
   * the next batch. An error met after some packets is thrown by the next call, so none is lost.
   * @throws {PcapError} ERR_PCAP_READ; ERR_PCAP_ARGUMENT when `batch.bytes` is too small for one
   * packet, which stays next in line; ERR_PCAP_CLOSED
   */
  readBatch(batch: PacketColumns): number {
    this.#opened();
    const { bytes, start, captured, length, time } = batch;
    const cursor = this.#cursor;
    const memcpy = this.#library.memcpy;
    const base = this.#target.of(bytes);
    const bytesMax = bytes.length;
    const packetsMax = Math.min(start.length, captured.length, length.length, time.length);
    let count = 0;
    let used = 0;
    while (count < packetsMax && cursor.advance()) {
      const size = cursor.captured;
      if (used + size > bytesMax) {
        cursor.hold();
        if (count === 0) throw tooSmall(this.name, size, bytesMax);
        break;
      }
      memcpy((base + used) as Pointer, cursor.address, size);
      start[count] = used;
      captured[count] = size;
      length[count] = cursor.length;
      time[count] = cursor.time;
      used += size;
      count++;
    }
    batch.count = count;
    // The current packet is in the batch now, not under the cursor.
    cursor.current = false;
    if (count === 0) cursor.throwFailure();
    return count;
  }

  /**
   * Waits until a device has packets, at most `milliseconds`; returns whether it has. Blocks the
   * thread, so capture in a Worker. Read again afterwards whatever the answer: only reading shows
   * that a device has disappeared.
   * @throws {PcapError} ERR_PCAP_OPERATION for a handle that cannot be waited for
   */
  wait(milliseconds: number): boolean {
    checkInteger("wait", milliseconds, 0, 0x7fffffff);
    this.#pollfd[0] = this.selectableFd;
    this.#pollfd[1] = POLLIN;
    return this.#cursor.ready || this.#library.poll(this.#pollfd, 1, milliseconds) > 0;
  }

  /**
   * The file descriptor that becomes readable when packets are there, for a poll() of one's own.
   * @throws {PcapError} ERR_PCAP_OPERATION for a handle that has none
   */
  get selectableFd(): number {
    const handle = this.#opened();
    const fd = this.kind === "dead" ? -1 : this.#library.pcap_get_selectable_fd(handle);
    if (fd < 0) throw new PcapError("ERR_PCAP_OPERATION", `${this.name}: cannot be waited for`);
    return fd;
  }

  /**
   * Passes only packets that match the expression (pcap-filter(7)); the kernel applies it for a device.
   * @throws {PcapError} ERR_PCAP_FILTER with libpcap's text
   */
  setFilter(text: string): void {
    const handle = this.#opened();
    using program = this.compile(text);
    const status = program.use((bpf) => this.#library.pcap_setfilter(handle, bpf));
    this.#check(status === 0, "ERR_PCAP_FILTER");
  }

  /**
   * Compiles a filter for this handle's link type and snaplen, without setting it.
   * @throws {PcapError} ERR_PCAP_FILTER with libpcap's text
   */
  compile(text: string): BpfProgram {
    return compileFor(this.#library, this.#opened(), text);
  }

  /** @throws {PcapError} ERR_PCAP_OPERATION when libpcap cannot, as for a file */
  setDirection(direction: Direction): void {
    const number = DIRECTIONS[direction];
    if (number === undefined) {
      throw new PcapError(
        "ERR_PCAP_ARGUMENT",
        `direction: expected in, out or inout, got ${direction}`,
      );
    }
    const status = this.#library.pcap_setdirection(this.#opened(), number);
    this.#check(status === 0, "ERR_PCAP_OPERATION");
  }

  /**
   * Counters of a device since it was opened, exact when asked at least once per 2^32 packets.
   * @throws {PcapError} ERR_PCAP_OPERATION for a file or a dead handle
   */
  stats(): PcapStats {
    const status = this.#library.pcap_stats(this.#opened(), this.#counters);
    this.#check(status === 0, "ERR_PCAP_OPERATION");
    for (let i = 0; i < 3; i++) {
      this.#totals[i]! += (this.#counters[i]! - this.#countersBefore[i]!) >>> 0;
      this.#countersBefore[i] = this.#counters[i]!;
    }
    const [received, dropped, interfaceDropped] = this.#totals;
    return { received: received!, dropped: dropped!, interfaceDropped: interfaceDropped! };
  }

  /**
   * Sends one packet, link-layer header included, on the device.
   * @throws {PcapError} ERR_PCAP_OPERATION with libpcap's text
   */
  inject(packet: Uint8Array): void {
    const sent = this.#library.pcap_inject(this.#opened(), packet, packet.length);
    this.#check(sent >= 0, "ERR_PCAP_OPERATION");
  }

  /** Closes the handle and frees its memory. A second close does nothing. */
  close(): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    this.#cursor.release();
    this.#library.pcap_close(handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #opened(): Pointer {
    if (this.#handle === undefined) {
      throw new PcapError("ERR_PCAP_CLOSED", `${this.name}: the capture is closed`);
    }
    return this.#handle;
  }

  #packet(): PacketCursor {
    this.#opened();
    if (this.#cursor.current) return this.#cursor;
    throw new PcapError(
      "ERR_PCAP_NO_PACKET",
      `${this.name}: there is no current packet; call next() until it returns true`,
    );
  }

  #check(succeeded: boolean, code: PcapErrorCode): void {
    if (succeeded) return;
    const text = this.#library.pcap_geterr(this.#opened());
    throw new PcapError(code, `${this.name}: ${text}`);
  }
}

const tooSmall = (name: string, captured: number, bytesMax: number): PcapError =>
  new PcapError(
    "ERR_PCAP_ARGUMENT",
    `${name}: a packet of ${captured} bytes does not fit a batch of ${bytesMax}`,
  );
