// SPDX-License-Identifier: BSD-3-Clause
import type { Packet } from "../packet.ts";
import type { FlowState } from "../protocol.ts";
import { Dialogue } from "./dialogue.ts";
import { Lines } from "./lines.ts";

const REPLY = /^([2-5]\d\d)(?:([ -])|$)/;
const CODE = { ready: 220, goOn: 334, startMail: 354 } as const;
const NUMBER = /^\d{1,10}/;

/** An SMTP session, line by line: pipelined commands, replies of several lines, mails, extensions (RFC 5321). */
export class Session implements FlowState {
  readonly dialogue = new Dialogue();
  readonly #client = new Lines();
  readonly #server = new Lines();
  /** Whether the client sends a mail now. */
  isData = false;
  /** Whether its next line is a credential. */
  #isSecretLine = false;
  #asksTls = false;
  /** Whether the rest is enciphered. */
  isSealed = false;
  /** Bytes of a BDAT command that are still to come (RFC 3030). */
  #chunk = 0;

  reset(): void {
    this.dialogue.reset();
    this.#client.reset();
    this.#server.reset();
    this.isData = false;
    this.#isSecretLine = false;
    this.#asksTls = false;
    this.isSealed = false;
    this.#chunk = 0;
  }

  /** Read a packet of the server. */
  replies(packet: Packet): void {
    this.#server.take(packet);
    for (let line = this.#server.next(); line !== undefined; line = this.#server.next()) {
      const match = REPLY.exec(line);
      // The last line of a reply has no hyphen.
      if (match && match[2] !== "-") this.#reply(Number(match[1]), line);
    }
  }

  #reply(code: number, line: string): void {
    this.dialogue.reply(code, line);
    if (this.#asksTls && code === CODE.ready) this.isSealed = true;
    this.#asksTls = false;
    this.#isSecretLine = code === CODE.goOn;
    // A server replies to a mail when it has got it, or does not want it.
    this.isData = code === CODE.startMail;
  }

  /** Read a packet of the client. */
  commands(packet: Packet): void {
    const lines = this.#client;
    const missed = lines.take(packet);
    if (this.#chunk > 0) this.#passChunk(missed);
    for (;;) {
      if (this.isData) {
        if (!lines.passMail()) return;
        this.isData = false;
      }
      const line = lines.next();
      if (line === undefined) return;
      if (this.#isSecretLine) this.#isSecretLine = false;
      else if (line !== "") this.#command(line);
      if (this.#chunk > 0) this.#passChunk(0);
    }
  }

  #passChunk(missed: number): void {
    if (missed > 0 && missed <= this.#chunk) this.#client.mend();
    this.#chunk = Math.max(0, this.#chunk - missed);
    this.#chunk -= this.#client.pass(this.#chunk);
  }

  #command(line: string): void {
    const blank = line.indexOf(" ");
    const word = (blank < 0 ? line : line.slice(0, blank)).toUpperCase();
    const rest = blank < 0 ? "" : line.slice(blank + 1);
    this.dialogue.command(word, rest);
    if (word === "DATA") this.isData = true;
    else if (word === "STARTTLS") this.#asksTls = true;
    else if (word === "BDAT") this.#chunk = Number(NUMBER.exec(rest)?.[0] ?? 0);
  }
}
