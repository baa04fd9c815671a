// SPDX-License-Identifier: BSD-3-Clause
import { messageOf } from "../errors.ts";
import { errnoText } from "./libc.ts";
import { connectionError, type SocketAddress } from "./sockets.ts";
import { SocketStream } from "./stream.ts";

/** What came of a step: a descriptor to wait on until it can be written to, or why there is none. */
export type Attempt =
  | { readonly fd: number }
  /** `again`: there are other addresses to be tried at once. */
  | { readonly failure: string; readonly again: boolean };

/** Connects to a peer by one of its addresses after the other; who has it waits between rounds. */
export class Dial {
  readonly #lookUp: () => SocketAddress[];
  readonly #connect: (address: SocketAddress) => number;
  /** Addresses that are still to be tried in this round. */
  #addresses: SocketAddress[] = [];
  /** The address tried last, in words. */
  peer = "";

  /**
   * @param lookUp addresses of the peer; may throw
   * @param connect begins to connect; returns a descriptor, or an errno below zero
   */
  constructor(lookUp: () => SocketAddress[], connect: (address: SocketAddress) => number) {
    this.#lookUp = lookUp;
    this.#connect = connect;
  }

  /** Begin to connect to the next address. */
  next(): Attempt {
    try {
      if (this.#addresses.length === 0) this.#addresses = this.#lookUp();
    } catch (error) {
      return { failure: messageOf(error), again: false };
    }
    const address = this.#addresses.shift()!;
    this.peer = address.text;
    const fd = this.#connect(address);
    return fd >= 0 ? { fd } : this.#failed(-fd);
  }

  /** The descriptor can be written to: is it connected? It is closed when it is not. */
  result(fd: number): Attempt {
    const reason = connectionError(fd);
    if (reason !== 0) {
      new SocketStream(fd).close();
      return this.#failed(reason);
    }
    this.#addresses = [];
    return { fd };
  }

  #failed(reason: number): Attempt {
    return { failure: errnoText(reason), again: this.#addresses.length > 0 };
  }
}
