// SPDX-License-Identifier: BSD-3-Clause
import { type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { EXIT, NemeanError } from "../../core/errors.ts";
import { ERRNO, errno, errnoText, libc, mapFailed } from "../../core/net/libc.ts";
import { passNothing } from "./capture-filter.ts";
import { fanoutProgram } from "./fanout-program.ts";
import { TAG_SIZE } from "./frame-ring.ts";
import type { Link } from "./links.ts";
import type { Fanout, LiveState } from "./source.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
/** ETH_P_ALL in network order. */
const EVERY_PROTOCOL = 0x0300;

const SOL_SOCKET = 1;
const SO = { error: 4, attachFilter: 26, detachFilter: 27 } as const;
const SOL_PACKET = 263;
/** Options of packet(7), linux/if_packet.h. */
const PACKET = {
  addMembership: 1,
  rxRing: 5,
  statistics: 6,
  version: 10,
  reserve: 12,
  fanout: 18,
  fanoutData: 22,
  ignoreOutgoing: 23,
} as const;
const TPACKET_V3 = 2;
const MEMBERSHIP_PROMISCUOUS = 1;
const FANOUT_BY_PROGRAM = 6;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
/** MAP_PRIVATE, MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE. */
const MAP_EMPTY_IN_PLACE = 0x4032;

const POLLIN = 1;
/** Milliseconds after which the kernel hands over a block that is not full. */
export const RETIRE_MS = 60;

/** The kernel's other cores may be past a filter that was changed: this lets frames on their way run out. */
const SETTLE_MS = 1;

const SIOCGIFNAME = 0x8910n;
const SIOCGIFFLAGS = 0x8913n;
const IFF_UP = 1;

export interface PacketSocketOptions {
  readonly link: Link;
  readonly ringBytes: number;
  readonly blockSize: number;
  readonly promiscuous: boolean;
  /** BPF instructions, or none. */
  readonly filter: Uint8Array | undefined;
  readonly fanout: Fanout | undefined;
  /** Bytes of the link-layer header. */
  readonly linkHeader: number;
}

const unmap = new FinalizationRegistry<{ address: Pointer; size: number }>(({ address, size }) => {
  libc().munmap(address, size);
});

/**
 * A packet socket whose frames arrive in mapped memory.
 *
 * The order of its set-up is what keeps stray frames out: it listens to nothing until ring and filter are in place.
 */
export class PacketSocket {
  /** The ring's memory. After `close()` it reads as zeros: a view that was kept shows nothing, and crashes nothing. */
  readonly memory: ArrayBuffer;
  readonly #name: string;
  readonly #fd: number;
  readonly #address: Pointer;
  /** Memory whose addresses go to C is of ArrayBuffers: Bun moves small arrays that have none. */
  readonly #pollfd = new DataView(new ArrayBuffer(8));
  readonly #pollfdBytes = new Uint8Array(this.#pollfd.buffer);
  readonly #counters = new Uint32Array(new ArrayBuffer(12));
  readonly #size = new Uint32Array(new ArrayBuffer(4));
  readonly #value = new Int32Array(new ArrayBuffer(4));
  readonly #request = new DataView(new ArrayBuffer(40));
  readonly #requestBytes = new Uint8Array(this.#request.buffer);
  readonly #socketAddress = new DataView(new ArrayBuffer(20));
  readonly #socketAddressBytes = new Uint8Array(this.#socketAddress.buffer);

  /** @throws {NemeanError} ERR_CAPTURE, with what the kernel refused and the cure */
  constructor(options: PacketSocketOptions) {
    this.#name = options.link.name;
    this.#fd = openSocket(this.#name);
    try {
      this.#setUpRing(options);
      this.#address = this.#map(options.ringBytes);
      try {
        this.#listen(options);
      } catch (error) {
        libc().munmap(this.#address, options.ringBytes);
        throw error;
      }
    } catch (error) {
      libc().close(this.#fd);
      throw error;
    }
    this.memory = toArrayBuffer(this.#address, 0, options.ringBytes);
    unmap.register(this.memory, { address: this.#address, size: options.ringBytes });
    this.#pollfd.setInt32(0, this.#fd, true);
    this.#pollfd.setInt16(4, POLLIN, true);
  }

  /** Wait at most this long for a block; false when the socket has an error to tell: see {@link state}. */
  wait(milliseconds: number): boolean {
    this.#pollfd.setInt16(6, 0, true);
    libc().poll(this.#pollfdBytes, 1, milliseconds);
    if ((this.#pollfd.getInt16(6, true) & ~POLLIN) === 0) return true;
    // Reading the error clears it: poll() would not wait any more.
    this.#size[0] = 4;
    libc().getsockopt(this.#fd, SOL_SOCKET, SO.error, this.#value, this.#size);
    return false;
  }

  /** What the interface is now. The socket knows it by index, so that a new one of its name is not mistaken for it. */
  state(): LiveState {
    this.#size[0] = 20;
    libc().getsockname(this.#fd, this.#socketAddressBytes, this.#size);
    // The kernel sets the index to -1 when it takes the interface away.
    const index = this.#socketAddress.getInt32(4, true);
    if (index <= 0) return "gone";
    this.#request.setInt32(16, index, true);
    if (libc().ioctl(this.#fd, SIOCGIFNAME, this.#requestBytes) !== 0) return "gone";
    if (libc().ioctl(this.#fd, SIOCGIFFLAGS, this.#requestBytes) !== 0) return "gone";
    return (this.#request.getInt16(16, true) & IFF_UP) === 0 ? "down" : "up";
  }

  /** Counters since the last call, the kernel forgets them: frames that came, those dropped among them, freezes. */
  takeCounters(): Uint32Array {
    this.#size[0] = 12;
    this.#counters.fill(0);
    libc().getsockopt(this.#fd, SOL_PACKET, PACKET.statistics, this.#counters, this.#size);
    return this.#counters;
  }

  /** Let nothing more in. */
  stop(): void {
    this.#attach(passNothing());
    Bun.sleepSync(SETTLE_MS);
  }

  /** Give ring and socket back. */
  close(): void {
    // Empty memory takes the ring's place: unmapped, a read through a view that was kept would end the process.
    const { byteLength } = this.memory;
    libc().mmap(this.#address, byteLength, PROT_READ_WRITE, MAP_EMPTY_IN_PLACE, -1, 0);
    libc().close(this.#fd);
  }

  #setUpRing({ ringBytes, blockSize, link }: PacketSocketOptions): void {
    this.#set(PACKET.version, Int32Array.of(TPACKET_V3));
    this.#set(PACKET.reserve, Int32Array.of(TAG_SIZE));
    // The loopback interface shows each frame as it goes out and as it comes in: one of them is enough.
    if (link.loopback) this.#set(PACKET.ignoreOutgoing, Int32Array.of(1));
    const blocks = ringBytes / blockSize;
    // struct tpacket_req3. Frames have no fixed size in version 3, yet the sizes must match.
    const request = Uint32Array.of(blockSize, blocks, blockSize, blocks, RETIRE_MS, 0, 0);
    if (this.#trySet(PACKET.rxRing, request)) return;
    const number = errno();
    const cure = number === ERRNO.noMemory ? "; take a smaller ring (--ring)" : "";
    throw this.#failure(`a ring of ${ringBytes >> 20} MiB: ${errnoText(number)}${cure}`, EXIT.os);
  }

  #map(size: number): Pointer {
    const address = libc().mmap(null, size, PROT_READ_WRITE, MAP_SHARED, this.#fd, 0);
    if (mapFailed(address)) throw this.#failure(`mapping the ring: ${errnoText(errno())}`, EXIT.os);
    return address as Pointer;
  }

  #listen({ link, filter, fanout, promiscuous, linkHeader }: PacketSocketOptions): void {
    if (fanout) this.#attach(passNothing());
    else if (filter) this.#attach(filter);
    const address = new DataView(new ArrayBuffer(20));
    address.setUint16(0, AF_PACKET, true);
    address.setUint16(2, EVERY_PROTOCOL, true);
    address.setInt32(4, link.index, true);
    if (libc().bind(this.#fd, new Uint8Array(address.buffer), 20) !== 0)
      throw this.#failure(errnoText(errno()), EXIT.os);
    if (promiscuous) {
      // struct packet_mreq: index 4, type 2, address 10.
      this.#set(PACKET.addMembership, Int32Array.of(link.index, MEMBERSHIP_PROMISCUOUS, 0, 0));
    }
    if (!fanout) return;
    this.#join(fanout, linkHeader);
    // Bound but not yet in the group, a socket sees all frames.
    Bun.sleepSync(SETTLE_MS);
    if (filter) this.#attach(filter);
    else libc().setsockopt(this.#fd, SOL_SOCKET, SO.detachFilter, Int32Array.of(0), 4);
  }

  #join({ group }: Fanout, linkHeader: number): void {
    this.#set(PACKET.fanout, Int32Array.of(group | (FANOUT_BY_PROGRAM << 16)));
    if (!this.#trySet(PACKET.fanoutData, socketProgram(fanoutProgram(linkHeader)), PROGRAM_SIZE))
      throw this.#failure(`the fanout's program: ${errnoText(errno())}`, EXIT.os);
  }

  #attach(instructions: Uint8Array): void {
    const program = socketProgram(instructions);
    if (libc().setsockopt(this.#fd, SOL_SOCKET, SO.attachFilter, program, PROGRAM_SIZE) !== 0)
      throw this.#failure(`attaching the filter: ${errnoText(errno())}`, EXIT.os);
  }

  #trySet(option: number, value: Int32Array | Uint32Array | Uint8Array, size = value.byteLength) {
    return libc().setsockopt(this.#fd, SOL_PACKET, option, value, size) === 0;
  }

  #set(option: number, value: Int32Array): void {
    if (this.#trySet(option, value)) return;
    const name = Object.entries(PACKET).find(([, number]) => number === option)?.[0];
    throw this.#failure(`packet socket option ${name}: ${errnoText(errno())}`, EXIT.os);
  }

  #failure(what: string, exitCode: number): NemeanError {
    return new NemeanError("ERR_CAPTURE", exitCode, `${this.#name}: ${what}`);
  }
}

/** Without a protocol: it sees nothing until it is bound. */
function openSocket(name: string): number {
  const fd = libc().socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd >= 0) return fd;
  const number = errno();
  if (number === ERRNO.perm || number === ERRNO.access) throw permissionError(name);
  throw new NemeanError("ERR_CAPTURE", EXIT.os, `${name}: packet socket: ${errnoText(number)}`);
}

/** The error of a process that may not capture, with the cure. */
export const permissionError = (name: string): NemeanError =>
  new NemeanError(
    "ERR_CAPTURE",
    EXIT.noPermission,
    `${name}: no permission to capture: run as root, or with the capability CAP_NET_RAW ` +
      `(AmbientCapabilities=CAP_NET_RAW in a systemd unit)`,
  );

const PROGRAM_SIZE = 16;

/** struct sock_fprog (instructions u16, their address at 8), and the instructions behind it: one memory, one lifetime. */
function socketProgram(instructions: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(PROGRAM_SIZE + instructions.length));
  const program = new DataView(bytes.buffer);
  program.setUint16(0, instructions.length / 8, true);
  program.setBigUint64(8, BigInt(ptr(bytes) + PROGRAM_SIZE), true);
  bytes.set(instructions, PROGRAM_SIZE);
  return bytes;
}
