// SPDX-License-Identifier: BSD-3-Clause
/** Non-blocking sockets by system calls: unix(7), tcp(7) and udp(7) over IPv4 and IPv6. @module */
import { type Pointer, read, toArrayBuffer } from "bun:ffi";
import { chownSync, lstatSync, unlinkSync } from "node:fs";
import { EXIT, NemeanError } from "../errors.ts";
import { groupId } from "./groups.ts";
import { ERRNO, errno, errnoText, libc } from "./libc.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
/** SOCK_STREAM, SOCK_NONBLOCK, SOCK_CLOEXEC. */
const STREAM_NONBLOCK = SOCK_STREAM | 0o4000 | 0o2000000;
/** SOCK_DGRAM, SOCK_NONBLOCK, SOCK_CLOEXEC. */
const DATAGRAM_NONBLOCK = 2 | 0o4000 | 0o2000000;
/** Bytes of datagrams that wait in the kernel at most. */
const DATAGRAM_BUFFER = 1 << 20;
const ACCEPT_FLAGS = 0o4000 | 0o2000000;
const AI_PASSIVE = 1;

const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_KEEPALIVE = 9;
const SO_PEERCRED = 17;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** Bytes of `sun_path` before its terminating zero (unix(7)); the original cuts longer paths silently. */
export const UNIX_PATH_MAX = 107;

/** A socket address as the kernel takes it. */
export interface SocketAddress {
  readonly family: number;
  readonly bytes: Uint8Array;
  /** For messages: `/tmp/trap-x.sock`, `127.0.0.1:9000`. */
  readonly text: string;
}

const socketError = (message: string, exit: number = EXIT.unavailable): NemeanError =>
  new NemeanError("ERR_SOCKET", exit, message);

/** @throws {NemeanError} ERR_SOCKET when the path is too long for the kernel */
export function unixAddress(path: string): SocketAddress {
  const name = Buffer.from(path);
  if (name.length > UNIX_PATH_MAX)
    throw socketError(
      `${path}: a socket's path has at most ${UNIX_PATH_MAX} bytes, this one ${name.length}: use a shorter name or folder`,
      EXIT.config,
    );
  const bytes = new Uint8Array(new ArrayBuffer(2 + name.length + 1));
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, 2);
  return { family: AF_UNIX, bytes, text: path };
}

/**
 * Addresses of a host and port by getaddrinfo(3), which also knows names of services; blocks while it asks.
 * Without a host: the wildcard addresses to listen on.
 * @throws {NemeanError} ERR_SOCKET when there are none
 */
export function resolve(host: string | undefined, port: string): SocketAddress[] {
  const hints = new DataView(new ArrayBuffer(48));
  hints.setInt32(0, host === undefined ? AI_PASSIVE : 0, true);
  hints.setInt32(8, SOCK_STREAM, true);
  const result = new BigUint64Array(new ArrayBuffer(8));
  const name = host === undefined ? null : terminated(host);
  const code = libc().getaddrinfo(name, terminated(port), new Uint8Array(hints.buffer), result);
  if (code !== 0) {
    const where = host === undefined ? `port ${port}` : `${host}:${port}`;
    throw socketError(`${where}: ${String(libc().gai_strerror(code))}`);
  }
  const first = Number(result[0]);
  const found: SocketAddress[] = [];
  // struct addrinfo: flags, family, type, protocol, addrlen, padding, addr, canonname, next.
  for (let at = first; at !== 0; at = Number(read.u64(at as Pointer, 40))) {
    const length = read.u32(at as Pointer, 16);
    const bytes = new Uint8Array(toArrayBuffer(read.ptr(at as Pointer, 24) as Pointer, 0, length));
    found.push(inetAddress(bytes.slice()));
  }
  libc().freeaddrinfo(first as Pointer);
  return found;
}

const terminated = (text: string): Uint8Array => {
  const bytes = Buffer.from(text);
  const out = new Uint8Array(new ArrayBuffer(bytes.length + 1));
  out.set(bytes);
  return out;
};

function inetAddress(raw: Uint8Array): SocketAddress {
  const bytes = new Uint8Array(new ArrayBuffer(raw.length));
  bytes.set(raw);
  return { family: new DataView(bytes.buffer).getUint16(0, true), bytes, text: inetText(bytes) };
}

/** `192.0.2.1:80` or `[2001:db8::1]:80` of a sockaddr_in or sockaddr_in6. */
function inetText(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const port = view.getUint16(2);
  if (view.getUint16(0, true) === AF_INET) return `${bytes.subarray(4, 8).join(".")}:${port}`;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i));
  // An IPv4 client of a socket that takes both families.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `${bytes.subarray(20, 24).join(".")}:${port}`;
  const long = groups.map((group) => group.toString(16)).join(":");
  return `[${new URL(`http://[${long}]`).hostname.slice(1, -1)}]:${port}`;
}

function open(family: number): number {
  const fd = libc().socket(family, STREAM_NONBLOCK, 0);
  if (fd < 0) throw socketError(`cannot make a socket: ${errnoText(errno())}`, EXIT.os);
  return fd;
}

function setOption(fd: number, level: number, name: number, value: number): boolean {
  const word = new Int32Array(new ArrayBuffer(4));
  word[0] = value;
  return libc().setsockopt(fd, level, name, word, 4) === 0;
}

/** Send small messages at once, and notice a peer whose machine is gone. */
function tune(fd: number): void {
  setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/** Begin to connect; returns the descriptor, or why not as an errno below zero. EINPROGRESS is no failure. */
export function connect(address: SocketAddress): number {
  const fd = open(address.family);
  if (libc().connect(fd, address.bytes, address.bytes.length) === 0) {
    if (address.family !== AF_UNIX) tune(fd);
    return fd;
  }
  const reason = errno();
  if (reason === ERRNO.inProgress) {
    tune(fd);
    return fd;
  }
  libc().close(fd);
  return -reason;
}

/** A UDP socket that sends to the address; returns the descriptor, or why not as an errno below zero. */
export function connectDatagram(address: SocketAddress): number {
  const fd = libc().socket(address.family, DATAGRAM_NONBLOCK, 0);
  if (fd < 0) return -errno();
  setOption(fd, SOL_SOCKET, SO_SNDBUF, DATAGRAM_BUFFER);
  if (libc().connect(fd, address.bytes, address.bytes.length) === 0) return fd;
  const reason = errno();
  libc().close(fd);
  return -reason;
}

/** The errno a connection attempt ended with; 0 when it is connected. */
export function connectionError(fd: number): number {
  const word = new Int32Array(new ArrayBuffer(4));
  const length = new Int32Array(new ArrayBuffer(4));
  length[0] = 4;
  return libc().getsockopt(fd, SOL_SOCKET, SO_ERROR, word, length) === 0 ? word[0]! : errno();
}

/** A socket that listens. */
export interface Listener {
  readonly fd: number;
  readonly text: string;
  /** Port it listens on; 0 for a unix socket. */
  readonly port: number;
  /** Stop listening; a unix socket's path goes with it, if it is still ours. */
  close(): void;
}

export interface UnixAccess {
  /** Permission bits of the path. */
  readonly mode: number;
  /** Name or number of the group it belongs to. */
  readonly group?: string | undefined;
}

/**
 * Listen on a unix socket. A path nobody answers on is taken over; one that somebody listens on is not.
 * @throws {NemeanError} ERR_SOCKET that says which
 */
export function listenUnix(path: string, backlog: number, access: UnixAccess): Listener {
  const address = unixAddress(path);
  removeStale(address);
  const fd = open(AF_UNIX);
  // The mode holds from the first moment on: nobody slips in between bind() and chmod().
  const before = libc().umask(0o777 & ~access.mode);
  const bound = libc().bind(fd, address.bytes, address.bytes.length);
  const reason = errno();
  libc().umask(before);
  if (bound !== 0 || libc().listen(fd, backlog) !== 0) {
    libc().close(fd);
    throw socketError(
      `cannot listen on ${path}: ${errnoText(reason)}; is its folder there and writable?`,
      EXIT.cannotCreate,
    );
  }
  if (access.group !== undefined) giveTo(path, access.group, fd);
  const { ino } = lstatSync(path);
  return {
    fd,
    text: path,
    port: 0,
    close: () => {
      libc().close(fd);
      try {
        if (lstatSync(path).ino === ino) unlinkSync(path);
      } catch {
        // Somebody has removed it before us.
      }
    },
  };
}

function giveTo(path: string, group: string, fd: number): void {
  try {
    chownSync(path, -1, groupId(group));
  } catch (error) {
    libc().close(fd);
    unlinkSync(path);
    throw socketError(`cannot give ${path} to the group ${group}: ${String(error)}`, EXIT.config);
  }
}

/** Unlink the path of a socket that nobody listens on any more. */
function removeStale(address: SocketAddress): void {
  const path = address.text;
  let isSocket: boolean;
  try {
    isSocket = lstatSync(path).isSocket();
  } catch {
    return;
  }
  if (!isSocket)
    throw socketError(`${path} is there and no socket: remove it, or use another name`);
  const fd = connect(address);
  if (fd >= 0) libc().close(fd);
  // EAGAIN: its queue of connections is full, so somebody has it.
  if (fd >= 0 || -fd === ERRNO.again)
    throw socketError(`${path}: another process listens there: end it, or use another name`);
  if (-fd !== ERRNO.refused) throw socketError(`${path}: ${errnoText(-fd)}`, EXIT.noPermission);
  unlinkSync(path);
}

/**
 * Listen on a TCP port: of all addresses, IPv6 and IPv4, or of one host.
 * @throws {NemeanError} ERR_SOCKET
 */
export function listenTcp(host: string | undefined, port: string, backlog: number): Listener {
  const addresses = resolve(host, port);
  // The IPv6 wildcard takes IPv4 as well; where there is no IPv6 the IPv4 one is left.
  addresses.sort((a, b) => b.family - a.family);
  let reason = 0;
  for (const address of addresses) {
    const fd = libc().socket(address.family, STREAM_NONBLOCK, 0);
    if (fd < 0) {
      reason = errno();
      continue;
    }
    setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (
      libc().bind(fd, address.bytes, address.bytes.length) === 0 &&
      libc().listen(fd, backlog) === 0
    ) {
      const own = nameOf(fd);
      return { fd, text: own.text, port: own.port, close: () => void libc().close(fd) };
    }
    reason = errno();
    libc().close(fd);
    if (reason === ERRNO.addressInUse) break;
  }
  const where = host === undefined ? `port ${port}` : `${host}:${port}`;
  throw socketError(`cannot listen on ${where}: ${errnoText(reason)}`);
}

/** Address and port a TCP socket is bound to. */
function nameOf(fd: number): { text: string; port: number } {
  const bytes = new Uint8Array(new ArrayBuffer(28));
  const length = new Int32Array(new ArrayBuffer(4));
  length[0] = bytes.length;
  libc().getsockname(fd, bytes, length);
  return { text: inetText(bytes), port: new DataView(bytes.buffer).getUint16(2) };
}

/** The other end of an accepted connection. */
export interface Peer {
  /** As the original numbers clients: process id over a unix socket, port over TCP. */
  readonly id: number;
  /** For messages: `pid 123` or `192.0.2.1:5000`. */
  readonly text: string;
}

/** Accept a connection; undefined when there is none. */
export function accept(listener: Listener): { fd: number; peer: Peer } | undefined {
  const address = new Uint8Array(new ArrayBuffer(128));
  const length = new Int32Array(new ArrayBuffer(4));
  length[0] = address.length;
  const fd = libc().accept4(listener.fd, address, length, ACCEPT_FLAGS);
  if (fd < 0) return undefined;
  const family = new DataView(address.buffer).getUint16(0, true);
  if (family === AF_UNIX) {
    const id = peerProcess(fd);
    return { fd, peer: { id, text: `pid ${id}` } };
  }
  tune(fd);
  return {
    fd,
    peer: {
      id: new DataView(address.buffer).getUint16(2),
      text: inetText(address.subarray(0, 28)),
    },
  };
}

function peerProcess(fd: number): number {
  const credentials = new Int32Array(new ArrayBuffer(12));
  const length = new Int32Array(new ArrayBuffer(4));
  length[0] = credentials.byteLength;
  libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length);
  return credentials[0]!;
}
