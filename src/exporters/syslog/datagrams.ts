// SPDX-License-Identifier: BSD-3-Clause
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { messageOf } from "../../core/errors.ts";
import type { Transport } from "./transport.ts";

/** Beyond this a receiver may drop or cut a message (RFC 5426 section 3.2 asks for 2048 at least). */
const LONGEST = 8192;
/** Milliseconds after which the name is looked up again: datagrams do not show that the server moved. */
const ADDRESS_AGE_MS = 300_000;
/** Milliseconds in which a system answers that nobody listens, where it says so. */
const PROBE_MS = 50;

/** A message a datagram (RFC 5426). */
export class DatagramTransport implements Transport {
  readonly longest = LONGEST;
  readonly framed = false;
  readonly #at: { readonly host: string; readonly port: number };
  #socket: Socket | undefined;
  #openedAt = 0;
  /** What the receiver's system said of an earlier datagram: nobody listens there. */
  #told: string | undefined;
  /** Whether nothing has gone out yet that the receiver's system did not complain of. */
  #isUntried = true;

  constructor(at: { host: string; port: number }) {
    this.#at = at;
  }

  async ready(): Promise<string | undefined> {
    if (this.#socket && performance.now() - this.#openedAt < ADDRESS_AGE_MS)
      return this.#lastWord();
    await this.close();
    try {
      const { address, family } = await lookup(this.#at.host);
      this.#socket = await connected(family === 6 ? "udp6" : "udp4", this.#at.port, address);
      this.#socket.on("error", (error) => {
        this.#told = messageOf(error);
        this.#isUntried = true;
      });
      this.#openedAt = performance.now();
      return undefined;
    } catch (error) {
      return `${this.#at.host}: ${messageOf(error)}`;
    }
  }

  /** Complaints of the system come after the datagram that they are about: the next one has to wait for that. */
  #lastWord(): string | undefined {
    const told = this.#told;
    this.#told = undefined;
    return told;
  }

  async write(message: Uint8Array): Promise<string | undefined> {
    const failure = this.#lastWord() ?? (await this.#send(message));
    if (failure !== undefined || !this.#isUntried) return failure;
    // Without this wait each attempt at a receiver that is down would cost an alert.
    await Bun.sleep(PROBE_MS);
    const told = this.#lastWord();
    this.#isUntried = told !== undefined;
    return told;
  }

  #send(message: Uint8Array): Promise<string | undefined> {
    const socket = this.#socket;
    if (!socket) return Promise.resolve("closed");
    return new Promise((resolve) => {
      try {
        socket.send(message, (error) => resolve(error ? messageOf(error) : undefined));
      } catch (error) {
        resolve(messageOf(error));
      }
    });
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#told = undefined;
    this.#isUntried = true;
    if (!socket) return;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}

function connected(type: "udp4" | "udp6", port: number, address: string): Promise<Socket> {
  const socket = createSocket(type);
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once("error", failed);
    socket.connect(port, address, () => {
      socket.off("error", failed);
      resolve(socket);
    });
  });
}
