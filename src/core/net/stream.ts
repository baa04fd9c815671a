// SPDX-License-Identifier: BSD-3-Clause
import { ERRNO, errno, libc } from "./libc.ts";
import { POLLIN, POLLOUT } from "./poller.ts";

/** Nothing to be done now: wait for {@link ByteStream.wants}. */
export const AGAIN = -1;
/** The connection broke. */
export const BROKEN = -2;

/** Send without SIGPIPE when the peer has gone. */
const MSG_NOSIGNAL = 0x4000;

/** A connection that never blocks: bytes of a socket, or what TLS makes of them. */
export interface ByteStream {
  readonly fd: number;
  /** Events to wait for after {@link AGAIN}: TLS may have to write before it can read. */
  readonly wants: number;
  /** Why it is {@link BROKEN}, where more is known than that the peer has gone. */
  readonly failure: string | undefined;
  /** Read into `bytes` from `from` to `to` at most; returns the number read, 0 at the end, AGAIN or BROKEN. */
  read(bytes: Uint8Array, from: number, to: number): number;
  /** Write `bytes` from `from` to `to`; returns the number taken, AGAIN or BROKEN. */
  write(bytes: Uint8Array, from: number, to: number): number;
  close(): void;
}

/** The bytes of a socket as they are. Buffers passed are views of an ArrayBuffer. */
export class SocketStream implements ByteStream {
  readonly fd: number;
  readonly failure = undefined;
  wants = POLLIN;
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  read(bytes: Uint8Array, from: number, to: number): number {
    const read = Number(libc().recv(this.fd, bytes.subarray(from, to), to - from, 0));
    if (read >= 0) return read;
    this.wants = POLLIN;
    return outcome();
  }

  write(bytes: Uint8Array, from: number, to: number): number {
    const sent = Number(libc().send(this.fd, bytes.subarray(from, to), to - from, MSG_NOSIGNAL));
    if (sent >= 0) return sent;
    this.wants = POLLOUT;
    return outcome();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    libc().close(this.fd);
  }
}

function outcome(): number {
  const reason = errno();
  return reason === ERRNO.again || reason === ERRNO.interrupted ? AGAIN : BROKEN;
}
