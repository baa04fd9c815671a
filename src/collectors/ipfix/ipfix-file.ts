// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync, readSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { parseIp } from "../../core/unirec/ip.ts";
import type { FileInput, MessageHandler } from "./input.ts";
import { MessageSplitter } from "./message-splitter.ts";

const BUFFER_BYTES = 1 << 18;

/** Messages of an IPFIX file (RFC 5655), as other collectors write them. */
export class IpfixFile implements FileInput {
  readonly text: string;
  readonly #fd: number;
  readonly #splitter: MessageSplitter;
  readonly #warn: (message: string) => void;
  readonly #buffer = new Uint8Array(new ArrayBuffer(BUFFER_BYTES));
  #bytes = 0;

  /** @throws {NemeanError} ERR_INPUT */
  constructor(
    { text, path }: { text: string; path: string },
    onMessage: MessageHandler,
    warn: (message: string) => void,
  ) {
    this.text = text;
    this.#warn = warn;
    this.#fd = opened(path);
    const exporter = { name: `file ${path}`, ip: parseIp("::")! };
    this.#splitter = new MessageSplitter((message) =>
      onMessage(message, exporter, message.byteLength),
    );
  }

  get counts(): Readonly<Record<string, number>> {
    return { bytes: this.#bytes };
  }

  step(): boolean {
    const read = readSync(this.#fd, this.#buffer);
    if (read === 0) {
      const { pending } = this.#splitter;
      if (pending > 0)
        this.#warn(`${this.text}: ends within a message, of which it has ${pending} bytes`);
      return false;
    }
    const isIpfix = this.#splitter.push(this.#buffer.subarray(0, read));
    if (!isIpfix)
      this.#warn(`${this.text}: no IPFIX from message ${this.#splitter.messages + 1} on`);
    this.#bytes += read;
    return isIpfix;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function opened(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw new NemeanError("ERR_INPUT", EXIT.noInput, `cannot read ${path}: ${messageOf(error)}`);
  }
}
