// SPDX-License-Identifier: BSD-3-Clause
import { connect, unixAddress } from "../../net/sockets.ts";
import { AGAIN, SocketStream } from "../../net/stream.ts";

/** `0a 00 00 00 00 00 00 00`: the request for the counters (trap.md section 10). */
export const GET_REQUEST = Uint8Array.of(10, 0, 0, 0, 0, 0, 0, 0);

/** Who asks a service socket, byte for byte and without blocking: its peer may live in the same thread. */
export class ServiceClient {
  /** Whether the service has hung up; what it sent before is still there to be taken. */
  closed = false;
  readonly #stream: SocketStream;
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(1 << 16));
  #have = 0;

  constructor(path: string) {
    const fd = connect(unixAddress(path));
    if (fd < 0) throw new Error(`${path}: errno ${-fd}`);
    this.#stream = new SocketStream(fd);
  }

  send(bytes: Uint8Array): this {
    const owned = new Uint8Array(new ArrayBuffer(bytes.length));
    owned.set(bytes);
    if (owned.length > 0) this.#stream.write(owned, 0, owned.length);
    return this;
  }

  /** Read what has come, `bytesMax` at most. Returns how many bytes of replies wait to be taken. */
  receive(bytesMax = Number.POSITIVE_INFINITY): number {
    for (let left = bytesMax; left > 0 && !this.closed; ) {
      this.#makeRoom();
      const to = Math.min(this.#received.length, this.#have + left);
      const read = this.#stream.read(this.#received, this.#have, to);
      if (read === AGAIN) break;
      if (read <= 0) this.closed = true;
      else this.#have += read;
      left -= read;
    }
    return this.#have;
  }

  /** The next whole reply, header and all. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    this.receive();
    if (this.#have < GET_REQUEST.length) return undefined;
    const size = GET_REQUEST.length + new DataView(this.#received.buffer).getUint32(4, true);
    if (this.#have < size) return undefined;
    const reply = this.#received.slice(0, size);
    this.#received.copyWithin(0, size, this.#have);
    this.#have -= size;
    return reply;
  }

  close(): void {
    this.#stream.close();
  }

  #makeRoom(): void {
    if (this.#have < this.#received.length) return;
    const more = new Uint8Array(new ArrayBuffer(this.#received.length * 2));
    more.set(this.#received);
    this.#received = more;
  }
}

/** JSON of a reply, without its header and its last byte, which is to be zero. */
export const replyText = (reply: Uint8Array): string =>
  new TextDecoder().decode(reply.subarray(GET_REQUEST.length, -1));
