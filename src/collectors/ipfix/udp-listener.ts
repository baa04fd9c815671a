// SPDX-License-Identifier: BSD-3-Clause
import { ptr } from "bun:ffi";
import { wallClock } from "../../core/clock.ts";
import { EXIT, NemeanError } from "../../core/errors.ts";
import { ERRNO, errno, errnoText, libc } from "../../core/net/libc.ts";
import { POLLIN, type Task } from "../../core/net/poller.ts";
import { resolve, type SocketAddress } from "../../core/net/sockets.ts";
import { Exporters } from "./exporters.ts";
import type { DatagramHandler, Input } from "./input.ts";

/** SOCK_DGRAM, SOCK_NONBLOCK, SOCK_CLOEXEC. */
const DATAGRAM_NONBLOCK = 2 | 0o4000 | 0o2000000;
const AF_INET6 = 10;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const SO_RCVBUFFORCE = 33;
const SO_MEMINFO = 55;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const MSG_TRUNC = 0x20;

/** Datagrams that one call brings. */
const SLOTS = 128;
/** Bytes of a slot: any datagram fits, and slots do not lie in the same lines of the cache. */
const SLOT_BYTES = 65_536 + 192;
/** Bytes of a `sockaddr_in6`, rounded up. */
const NAME_BYTES = 32;
const IOVEC_BYTES = 16;
/** struct mmsghdr: name, its length, iovec, how many, control, its length, flags, then the bytes that came. */
const HEADER_BYTES = 64;
const HEADER = { name: 0, nameLength: 8, iovec: 16, iovecs: 24, flags: 48, length: 56 } as const;
/** Where SO_MEMINFO has the datagrams that found no room. */
const MEMINFO_DROPS = 8;
/** Milliseconds after which others have their turn. */
const TURN_MS = 20;

/** Messages that come by UDP, a hundred datagrams a system call. */
export class UdpListener implements Input, Task {
  readonly text: string;
  readonly stage = "intake";
  readonly events = POLLIN;
  due = Number.POSITIVE_INFINITY;
  fd = -1;
  /** Port it listens on. */
  readonly port: number;
  /** Bytes of datagrams that may wait in the kernel, as it counts them. */
  readonly bufferBytes: number;
  /** Whether more may be waiting than was taken. */
  hasMore = false;
  readonly #onDatagram: DatagramHandler;
  readonly #exporters = new Exporters();
  readonly #headerBytes = new Uint8Array(new ArrayBuffer(SLOTS * HEADER_BYTES));
  readonly #headers = new DataView(this.#headerBytes.buffer);
  readonly #names = new DataView(new ArrayBuffer(SLOTS * NAME_BYTES));
  readonly #iovecs = new DataView(new ArrayBuffer(SLOTS * IOVEC_BYTES));
  readonly #slots: readonly DataView[];
  readonly #memory = new Uint32Array(new ArrayBuffer(64));
  readonly #memoryLength = new Int32Array(new ArrayBuffer(4));
  #datagrams = 0;
  #bytes = 0;
  #truncated = 0;
  #dropped = 0;

  /**
   * Listen on a port, which other processes that do so may share: the kernel then spreads exporters over them.
   * @throws {NemeanError} ERR_SOCKET
   */
  constructor(
    { text, host, port }: { text: string; host: string; port: string },
    bufferBytes: number,
    onDatagram: DatagramHandler,
  ) {
    this.text = text;
    this.#onDatagram = onDatagram;
    const [address] = resolve(host, port);
    this.fd = bind(address!, text);
    this.bufferBytes = enlarge(this.fd, bufferBytes);
    this.port = portOf(this.fd);
    const data = new ArrayBuffer(SLOTS * SLOT_BYTES);
    this.#slots = Array.from(
      { length: SLOTS },
      (_, i) => new DataView(data, i * SLOT_BYTES, SLOT_BYTES),
    );
    this.#describe(ptr(data));
  }

  /** Tell the kernel where datagrams and their senders go. */
  #describe(data: number): void {
    const names = ptr(this.#names);
    const iovecs = ptr(this.#iovecs);
    for (let i = 0; i < SLOTS; i++) {
      const at = i * HEADER_BYTES;
      const set = (offset: number, value: number): void =>
        this.#headers.setBigUint64(at + offset, BigInt(value), true);
      set(HEADER.name, names + i * NAME_BYTES);
      set(HEADER.iovec, iovecs + i * IOVEC_BYTES);
      set(HEADER.iovecs, 1);
      this.#iovecs.setBigUint64(i * IOVEC_BYTES, BigInt(data + i * SLOT_BYTES), true);
      this.#iovecs.setBigUint64(i * IOVEC_BYTES + 8, BigInt(SLOT_BYTES), true);
    }
  }

  get counts(): Readonly<Record<string, number>> {
    this.#askDrops();
    return {
      datagrams: this.#datagrams,
      bytes: this.#bytes,
      datagrams_truncated: this.#truncated,
      kernel_drops: this.#dropped,
    };
  }

  /** Take what has come, for a while. */
  run(): void {
    const until = performance.now() + TURN_MS;
    do {
      const count = this.#receive();
      const arrivedAt = wallClock.now();
      for (let i = 0; i < count; i++) this.#hand(i, arrivedAt);
      this.hasMore = count === SLOTS;
    } while (this.hasMore && performance.now() < until);
  }

  #receive(): number {
    const headers = this.#headers;
    for (let at = HEADER.nameLength; at < headers.byteLength; at += HEADER_BYTES)
      headers.setInt32(at, NAME_BYTES, true);
    const count = libc().recvmmsg(this.fd, this.#headerBytes, SLOTS, 0, null);
    if (count >= 0) return count;
    const reason = errno();
    // A socket that is not connected has no errors of its own but these.
    if (reason === ERRNO.again || reason === ERRNO.interrupted || reason === ERRNO.noMemory)
      return 0;
    throw new NemeanError("ERR_SOCKET", EXIT.os, `${this.text}: recvmmsg: ${errnoText(reason)}`);
  }

  #hand(i: number, arrivedAt: number): void {
    const at = i * HEADER_BYTES;
    const length = this.#headers.getInt32(at + HEADER.length, true);
    this.#datagrams++;
    this.#bytes += length;
    if ((this.#headers.getInt32(at + HEADER.flags, true) & MSG_TRUNC) !== 0) this.#truncated++;
    const exporter = this.#exporters.ofSocket(this.#names, i * NAME_BYTES);
    this.#onDatagram(this.#slots[i]!, exporter, length, arrivedAt);
  }

  /**
   * The counter that SO_RXQ_OVFL would give with the next datagram. Asked for itself it is exact when none comes any
   * more, too.
   */
  #askDrops(): void {
    if (this.fd < 0) return;
    this.#memoryLength[0] = this.#memory.byteLength;
    if (libc().getsockopt(this.fd, SOL_SOCKET, SO_MEMINFO, this.#memory, this.#memoryLength) === 0)
      this.#dropped = this.#memory[MEMINFO_DROPS]!;
  }

  [Symbol.dispose](): void {
    this.#askDrops();
    if (this.fd >= 0) libc().close(this.fd);
    this.fd = -1;
  }
}

function bind(address: SocketAddress, text: string): number {
  const fd = libc().socket(address.family, DATAGRAM_NONBLOCK, 0);
  if (fd < 0) throw refused(text);
  setOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (address.family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (libc().bind(fd, address.bytes, address.bytes.length) === 0) return fd;
  const error = refused(text);
  libc().close(fd);
  throw error;
}

const refused = (text: string): NemeanError =>
  new NemeanError(
    "ERR_SOCKET",
    EXIT.unavailable,
    `cannot listen on ${text}: ${errnoText(errno())}`,
  );

/** Ask for room, past the system's limit where that is allowed; returns what there is. The kernel doubles what is asked. */
function enlarge(fd: number, bytes: number): number {
  if (!setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes))
    setOption(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  const word = new Int32Array(new ArrayBuffer(4));
  const length = new Int32Array(new ArrayBuffer(4));
  length[0] = 4;
  libc().getsockopt(fd, SOL_SOCKET, SO_RCVBUF, word, length);
  return word[0]! / 2;
}

function setOption(fd: number, level: number, name: number, value: number): boolean {
  const word = new Int32Array(new ArrayBuffer(4));
  word[0] = value;
  return libc().setsockopt(fd, level, name, word, 4) === 0;
}

function portOf(fd: number): number {
  const name = new Uint8Array(new ArrayBuffer(NAME_BYTES));
  const length = new Int32Array(new ArrayBuffer(4));
  length[0] = NAME_BYTES;
  libc().getsockname(fd, name, length);
  return new DataView(name.buffer).getUint16(2);
}
