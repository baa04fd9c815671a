// SPDX-License-Identifier: BSD-3-Clause
import type { Socket } from "node:net";
import { messageOf } from "../../core/errors.ts";
import type { Transport } from "./transport.ts";

/** How a connection is begun, and what its errors mean. */
export interface Dial {
  /** May throw. */
  connect(): Socket;
  /** Emitted once messages may be written. */
  readonly event: "connect" | "secureConnect";
  explain(error: unknown): string;
}

/** Milliseconds for a server that refuses the client's certificate, which TLS 1.3 tells after the handshake. */
const SECOND_THOUGHTS_MS = 250;
/** Milliseconds of silence after which the system asks whether the server is still there. */
const KEEP_ALIVE_MS = 30_000;
/** Milliseconds for what was written to leave as a connection is closed. */
const FAREWELL_MS = 1000;

/** Octet-counted messages over a connection that is made anew when it broke. */
export class StreamTransport implements Transport {
  readonly longest = Number.POSITIVE_INFINITY;
  readonly framed = true;
  readonly #dial: Dial;
  readonly #timeoutMs: number;
  #socket: Socket | undefined;
  /** Why there is no connection any more. */
  #broken = "";
  /** Who waits for the connection or for a message to leave. */
  #waiting: ((failure?: string) => void) | undefined;

  constructor(dial: Dial, timeoutMs: number) {
    this.#dial = dial;
    this.#timeoutMs = timeoutMs;
  }

  async ready(): Promise<string | undefined> {
    // A turn of the event loop, to hear first that the server closed the connection meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#socket) return undefined;
    const failure = await this.#connect();
    if (failure !== undefined || this.#dial.event === "connect") return failure;
    return await this.#secondThoughts();
  }

  #connect(): Promise<string | undefined> {
    let socket: Socket;
    try {
      socket = this.#dial.connect();
    } catch (error) {
      return Promise.resolve(messageOf(error));
    }
    this.#socket = socket;
    const lost = (why: string): void => this.#lost(socket, why);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // A receiver says nothing; what it says all the same must not stop up the connection.
    socket.on("data", () => undefined);
    socket.on("error", (error) => lost(this.#dial.explain(error)));
    socket.on("end", () => lost("the server closed the connection"));
    socket.on("close", () => lost("the connection broke"));
    const waited = this.#wait("no connection");
    socket.once(this.#dial.event, () => this.#settle());
    return waited;
  }

  async #secondThoughts(): Promise<string | undefined> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, SECOND_THOUGHTS_MS);
      this.#waiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#waiting = undefined;
    return this.#socket ? undefined : this.#broken;
  }

  write(message: Uint8Array): Promise<string | undefined> {
    const socket = this.#socket;
    if (!socket) return Promise.resolve(this.#broken);
    const waited = this.#wait("the server takes nothing");
    // The callback comes when the kernel has all of it, not when it is in a buffer of ours.
    socket.write(message, (error) => {
      if (error) this.#lost(socket, this.#dial.explain(error));
      else this.#settle();
    });
    return waited;
  }

  /** Until {@link #settle}, or the connection is lost; after the time the connection is given up. */
  #wait(late: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        if (this.#socket) this.#lost(this.#socket, `${late} in ${this.#timeoutMs / 1000} s`);
      }, this.#timeoutMs);
      this.#waiting = (failure) => {
        clearTimeout(timer);
        resolve(failure);
      };
    });
  }

  #settle(failure?: string): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(failure);
  }

  /** A frame may have gone out in part: nothing more can be written to this connection. */
  #lost(socket: Socket, why: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#broken = why;
    socket.destroy();
    this.#settle(why);
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#broken = "closed";
    this.#settle(this.#broken);
    if (!socket) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FAREWELL_MS);
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      socket.end();
    });
    socket.destroy();
  }
}
