// SPDX-License-Identifier: BSD-3-Clause
import { POLLIN, POLLOUT, type Task } from "../net/poller.ts";
import { AGAIN, SocketStream } from "../net/stream.ts";
import { encodeReply, isGet, SERVICE_HEAD } from "./service-reply.ts";

/** How long a request may take from its first byte to its last, as in the original. */
const REQUEST_MS = 200;

/**
 * One who asks, any number of times. While a reply waits for room in the socket nothing more is read, so at most
 * one is kept. A request that is not understood, or not whole in time, ends the connection without a reply.
 */
export class ServiceConnection implements Task {
  readonly stage = "outlet";
  readonly fd: number;
  events = POLLIN;
  due = Number.POSITIVE_INFINITY;
  readonly #stream: SocketStream;
  readonly #answer: () => string;
  readonly #over: (connection: ServiceConnection) => void;
  readonly #request = new Uint8Array(new ArrayBuffer(SERVICE_HEAD));
  #have = 0;
  #reply: Uint8Array<ArrayBuffer> | undefined;
  #sent = 0;

  /** `answer` gives the text of a reply; `over` is told when the connection is to be closed. */
  constructor(fd: number, answer: () => string, over: (connection: ServiceConnection) => void) {
    this.fd = fd;
    this.#stream = new SocketStream(fd);
    this.#answer = answer;
    this.#over = over;
  }

  run(): void {
    const goesOn = this.#reply ? this.#write(this.#reply) : this.#read();
    if (!goesOn) this.#over(this);
  }

  close(): void {
    this.#stream.close();
  }

  /** Whether the connection goes on. */
  #read(): boolean {
    const read = this.#stream.read(this.#request, this.#have, SERVICE_HEAD);
    if (read !== AGAIN && read <= 0) return false;
    if (read > 0) this.#have += read;
    if (this.#have < SERVICE_HEAD) return this.#inTime();
    this.#have = 0;
    this.due = Number.POSITIVE_INFINITY;
    if (!isGet(this.#request)) return false;
    this.#sent = 0;
    this.#reply = encodeReply(this.#request, this.#answer());
    return this.#write(this.#reply);
  }

  /** Whether there is time left for the rest of a request; its first byte starts the clock. */
  #inTime(): boolean {
    const now = performance.now();
    if (this.#have > 0 && this.due === Number.POSITIVE_INFINITY) this.due = now + REQUEST_MS;
    return now < this.due;
  }

  #write(reply: Uint8Array<ArrayBuffer>): boolean {
    const sent = this.#stream.write(reply, this.#sent, reply.length);
    if (sent !== AGAIN && sent < 0) return false;
    if (sent > 0) this.#sent += sent;
    const isWhole = this.#sent === reply.length;
    if (isWhole) this.#reply = undefined;
    this.events = isWhole ? POLLIN : POLLOUT;
    return true;
  }
}
