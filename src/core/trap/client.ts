// SPDX-License-Identifier: BSD-3-Clause
import { POLLIN, POLLOUT, type Task } from "../net/poller.ts";
import type { Peer } from "../net/sockets.ts";
import { AGAIN, type ByteStream } from "../net/stream.ts";
import type { ClientStats } from "./interface.ts";
import type { Outgoing, OutgoingPool } from "./outgoing.ts";

/** Room for what a client has no business to send: it is thrown away. */
const trash = new Uint8Array(new ArrayBuffer(4096));

const HELLO_MS = 5000;

/** One receiver of an output: its connection, what waits for it, and what became of what it was offered. */
export class Client implements Task {
  readonly fd: number;
  events = POLLIN;
  /** Until when it must have taken the hello, which for TLS begins with a handshake; later when it has to leave. */
  due = performance.now() + HELLO_MS;
  readonly stage = "outlet";
  readonly peer: Peer;
  gone = false;
  /** It gets nothing new: closed once it has what it was promised, or at `due`. */
  leaving = false;
  readonly #stream: ByteStream;
  readonly #pool: OutgoingPool;
  readonly #onGone: (client: Client) => void;
  #queue: Outgoing[] = [];
  /** Bytes of the first in the queue that were handed over. */
  #sent = 0;
  /** Whether the first has been offered to the stream: TLS may have sealed a part of it already. */
  #begun = false;
  /** Bytes of the hello that were not. */
  #hello: Uint8Array | undefined;
  #sentContainers = 0;
  #sentMessages = 0;
  #skipped = 0;

  constructor(
    stream: ByteStream,
    peer: Peer,
    {
      pool,
      hello,
      onGone,
    }: { pool: OutgoingPool; hello: Uint8Array; onGone: (client: Client) => void },
  ) {
    this.#stream = stream;
    this.fd = stream.fd;
    this.peer = peer;
    this.#pool = pool;
    this.#hello = hello;
    this.#onGone = onGone;
    this.push();
  }

  get stats(): ClientStats {
    return {
      id: this.peer.id,
      sentContainers: this.#sentContainers,
      sentMessages: this.#sentMessages,
      skippedMessages: this.#skipped,
    };
  }

  /** Containers that wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Whether it has all that it was promised. */
  get drained(): boolean {
    return this.gone || (this.#queue.length === 0 && this.#hello === undefined);
  }

  /** Put a container into its queue and send what goes. */
  offer(container: Outgoing): void {
    container.users++;
    this.#queue.push(container);
    if (this.#queue.length === 1) this.push();
  }

  /** Give up the oldest container that is not half sent, if there is one, to make room. */
  skip(): void {
    const [container] = this.#queue.splice(this.#begun ? 1 : 0, 1);
    if (!container) return;
    this.#skipped += container.count;
    this.#pool.release(container);
  }

  /** Close it when it has what waits for it, at `due` at the latest. */
  leave(due: number): void {
    this.leaving = true;
    this.due = due;
    if (this.drained) this.close();
  }

  run(events: number): void {
    if (events === 0) {
      this.close();
      return;
    }
    if ((events & ~POLLOUT) !== 0 && !this.#listen()) return;
    this.push();
  }

  /** Send what waits, as far as the connection takes it. */
  push(): void {
    this.events = POLLIN;
    if (this.#hello && !this.#greet(this.#hello)) return;
    while (this.#queue.length > 0) {
      const container = this.#queue[0]!;
      this.#begun = true;
      const written = this.#write(container.bytes, this.#sent, container.length);
      if (written < 0) return;
      this.#sent += written;
      if (this.#sent < container.length) continue;
      this.#sentContainers++;
      this.#sentMessages += container.count;
      this.#queue.shift();
      this.#sent = 0;
      this.#begun = false;
      this.#pool.release(container);
    }
    if (this.leaving) this.close();
  }

  #greet(hello: Uint8Array): boolean {
    for (let rest = hello; rest.length > 0; rest = this.#hello) {
      const written = this.#write(rest, 0, rest.length);
      if (written < 0) return false;
      this.#hello = rest.subarray(written);
    }
    this.#hello = undefined;
    if (!this.leaving) this.due = Number.POSITIVE_INFINITY;
    return true;
  }

  #write(bytes: Uint8Array, from: number, to: number): number {
    const written = this.#stream.write(bytes, from, to);
    if (written >= 0) return written;
    if (written === AGAIN) this.events |= this.#stream.wants;
    else this.close();
    return -1;
  }

  /** Why the connection broke, where more is known than that the peer has gone. */
  get failure(): string | undefined {
    return this.#stream.failure;
  }

  /** See whether it is still there; what it says is of no interest. */
  #listen(): boolean {
    const read = this.#stream.read(trash, 0, trash.length);
    if (read > 0 || read === AGAIN) return true;
    this.close();
    return false;
  }

  close(): void {
    if (this.gone) return;
    this.gone = true;
    for (const container of this.#queue) {
      this.#skipped += container.count;
      this.#pool.release(container);
    }
    this.#queue = [];
    this.#stream.close();
    this.#onGone(this);
  }
}
