// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync, readSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import { libc } from "../net/libc.ts";
import { POLLIN } from "../net/poller.ts";

/**
 * The bytes of a file or of standard input. Reading waits only for as long as it is told to: a thread that waited
 * for a pipe would serve no receiver meanwhile and not see that it is to stop.
 */
export class TextSource {
  /** What messages call it. */
  readonly name: string;
  readonly #fd: number;
  /** struct pollfd: descriptor, then events and what came of them as two halves of a word. */
  readonly #poll = new Int32Array(new ArrayBuffer(8));

  /**
   * @param path of a file; `-` is standard input
   * @throws {NemeanError} ERR_INPUT when it cannot be opened
   */
  constructor(path: string) {
    this.name = path === "-" ? "standard input" : path;
    this.#fd = path === "-" ? 0 : this.#attempt(() => openSync(path, "r"));
  }

  /**
   * Read what there is into `chunk`, waiting for the first byte `waitMs` milliseconds at most; -1 waits for ever.
   * @returns bytes read, 0 at the end, -1 when nothing has come yet, which a signal may cause before the time is over
   * @throws {NemeanError} ERR_INPUT when it cannot be read
   */
  read(chunk: Uint8Array, waitMs = 0): number {
    this.#poll[0] = this.#fd;
    this.#poll[1] = POLLIN;
    if (libc().poll(this.#poll, 1n, waitMs) <= 0) return -1;
    return this.#attempt(() => readSome(this.#fd, chunk));
  }

  close(): void {
    if (this.#fd !== 0) closeSync(this.#fd);
  }

  #attempt<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      const why = `cannot read ${this.name}: ${messageOf(error)}`;
      throw new NemeanError("ERR_INPUT", EXIT.noInput, why);
    }
  }
}

function readSome(fd: number, chunk: Uint8Array): number {
  try {
    return readSync(fd, chunk, 0, chunk.length, null);
  } catch (error) {
    // In non-blocking mode another process may have read it meanwhile.
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return -1;
    throw error;
  }
}
