// SPDX-License-Identifier: BSD-3-Clause
import { textOf } from "../message.ts";
import type { Packet } from "../packet.ts";
import { Segments } from "../segments.ts";

/** Bytes kept of a line; RFC 5321 section 4.5.3.1 has 512 for commands and replies. */
const LINE_MAX = 512;
const LF = 10;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The lines of one direction of a TCP connection. Bounded: the end of a long line is not kept. */
export class Lines {
  readonly #segments = new Segments();
  #bytes = NO_BYTES;
  #at = 0;
  /** The begin of a line whose end has not come. */
  #part = "";
  /** Whether the begin of the line is missing. */
  #isBroken = false;

  reset(): void {
    this.#segments.reset();
    this.#bytes = NO_BYTES;
    this.#at = 0;
    this.#part = "";
    this.#isBroken = false;
  }

  /** Take a packet, whose lines then have to be taken all. Returns how many bytes before it are missing. */
  take(packet: Packet): number {
    this.#at = this.#segments.take(packet);
    this.#bytes = packet.bytes.subarray(0, packet.end);
    const { missed } = this.#segments;
    if (missed > 0) {
      this.#part = "";
      this.#isBroken = true;
    }
    return missed;
  }

  /** The next line, without its end; undefined when there is none any more. */
  next(): string | undefined {
    while (this.#at < this.#bytes.length) {
      const end = this.#bytes.indexOf(LF, this.#at);
      const stop = end < 0 ? this.#bytes.length : end;
      const line = this.#part + this.#text(stop, LINE_MAX - this.#part.length);
      this.#at = stop + 1;
      this.#part = end < 0 ? line : "";
      if (end < 0) break;
      if (!this.#isBroken) return line.endsWith("\r") ? line.slice(0, -1) : line;
      this.#isBroken = false;
    }
    this.#bytes = NO_BYTES;
    return undefined;
  }

  /** Pass over the lines of a mail. Returns whether its end came: a dot alone (RFC 5321 section 4.5.2). */
  passMail(): boolean {
    while (this.#at < this.#bytes.length) {
      const end = this.#bytes.indexOf(LF, this.#at);
      const stop = end < 0 ? this.#bytes.length : end;
      // Three bytes tell a dot alone from all else.
      const line = this.#part + this.#text(stop, 3 - this.#part.length);
      this.#at = stop + 1;
      this.#part = end < 0 ? line : "";
      if (end < 0) break;
      if (!this.#isBroken && (line === ".\r" || line === ".")) return true;
      this.#isBroken = false;
    }
    this.#bytes = NO_BYTES;
    return false;
  }

  /** Pass over up to `size` bytes. Returns how many there were. */
  pass(size: number): number {
    const passed = Math.min(size, Math.max(0, this.#bytes.length - this.#at));
    this.#at += passed;
    return passed;
  }

  /** What follows is not in the middle of a line, whatever was missing. */
  mend(): void {
    this.#isBroken = false;
    this.#part = "";
  }

  #text(stop: number, max: number): string {
    return max <= 0 ? "" : textOf(this.#bytes, this.#at, stop, max);
  }
}
