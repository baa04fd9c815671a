// SPDX-License-Identifier: BSD-3-Clause
import { createHash } from "node:crypto";
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { Prefix } from "../prefix.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

/** First bytes of each side that are kept: identification and algorithms take some 2000. */
const BYTES_MAX = 4096;
/** RFC 4253 section 4.2: longest identification, line end included. */
const BANNER_MAX = 255;
const START = [0x53, 0x53, 0x48, 0x2d] as const;
const LF = 10;
const CR = 13;
/** RFC 4253 section 7.1: number of the message that lists a side's algorithms. */
const KEXINIT = 20;
/** Packet length, padding length, message number and cookie before the lists. */
const LISTS_AT = 4 + 1 + 1 + 16;
const LISTS = 8;
/** Places among the lists of what HASSH is made of: key exchange, then cipher, MAC, compression of one direction. */
const HASSH = [
  [0, 2, 4, 6],
  [0, 3, 5, 7],
] as const;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** What one side says before keys are exchanged. */
class Side {
  readonly #prefix = new Prefix(BYTES_MAX);
  readonly #lists: readonly number[];
  /** Offset of the message behind the identification; 0 before its end has come. */
  #message = 0;
  banner = "";
  hassh = NO_BYTES;
  isDone = false;

  constructor(lists: readonly number[]) {
    this.#lists = lists;
  }

  reset(): void {
    this.#prefix.reset();
    this.#message = 0;
    this.banner = "";
    this.hassh = NO_BYTES;
    this.isDone = false;
  }

  take(packet: Packet): void {
    if (this.isDone || !this.#prefix.take(packet)) return;
    if (this.#message === 0 && !this.#findBanner()) return;
    this.isDone = this.#findAlgorithms() || this.#prefix.full;
  }

  #findBanner(): boolean {
    const { bytes, length } = this.#prefix;
    const size = Math.min(length, BANNER_MAX);
    const end = bytes.subarray(0, size).indexOf(LF);
    if (end < 0 || !isStart(bytes, 0, end)) {
      this.isDone = size === BANNER_MAX || !isStart(bytes, 0, length);
      return false;
    }
    this.banner = this.#text(0, bytes[end - 1] === CR ? end - 1 : end);
    this.#message = end + 1;
    return true;
  }

  /** Returns whether there is nothing more to wait for. */
  #findAlgorithms(): boolean {
    const { view, length } = this.#prefix;
    const start = this.#message;
    if (start + LISTS_AT > length) return false;
    if (view.getUint8(start + 5) !== KEXINIT) return true;
    const lists: string[] = [];
    let at = start + LISTS_AT;
    for (let i = 0; i < LISTS; i++) {
      if (at + 4 > length) return false;
      const end = at + 4 + view.getUint32(at);
      if (end > BYTES_MAX) return true;
      if (end > length) return false;
      lists.push(this.#text(at + 4, end));
      at = end;
    }
    const text = this.#lists.map((place) => lists[place]!).join(";");
    this.hassh = createHash("md5").update(text, "latin1").digest();
    return true;
  }

  #text(at: number, end: number): string {
    return Buffer.from(this.#prefix.view.buffer, at, end - at).toString("latin1");
  }
}

class Ssh implements FlowState {
  /** By direction: the client is whoever opened the flow. */
  readonly sides = [new Side(HASSH[0]), new Side(HASSH[1])] as const;

  reset(): void {
    this.sides[0].reset();
    this.sides[1].reset();
  }
}

/** Whether bytes are how an identification starts, as far as they go. */
function isStart(bytes: Uint8Array, at: number, end: number): boolean {
  const size = Math.min(end - at, START.length);
  for (let i = 0; i < size; i++) if (bytes[at + i] !== START[i]) return false;
  return size > 0;
}

export default defineProtocol({
  name: "ssh",
  about: `SSH: what both sides call themselves, and HASSH of their algorithms, in the first ${BYTES_MAX} bytes.`,
  fields: template(
    "string SSH_CLIENT_BANNER, string SSH_SERVER_BANNER, bytes SSH_HASSH, bytes SSH_HASSH_SERVER",
  ),
  // Nobody has given them elements; this enterprise number is that of examples (RFC 5612).
  elements: {
    SSH_CLIENT_BANNER: "e32473id2",
    SSH_SERVER_BANNER: "e32473id3",
    SSH_HASSH: "e32473id4",
    SSH_HASSH_SERVER: "e32473id5",
  },
  watch: { protocols: [PROTOCOL.tcp] },
  byDefault: true,
  source: "RFC 4253 sections 4.2 and 7.1, github.com/salesforce/hassh",
  setup: () => ({
    create: () => new Ssh(),
    onPacket(packet, slot) {
      if (!slot.state && !isStart(packet.bytes, packet.payload, packet.end)) return VERDICT.done;
      const { sides } = slot.take();
      sides[packet.reverse].take(packet);
      return sides[0].isDone && sides[1].isDone ? VERDICT.done : VERDICT.more;
    },
    write({ sides: [client, server] }, record) {
      record.SSH_CLIENT_BANNER = client.banner;
      record.SSH_SERVER_BANNER = server.banner;
      record.SSH_HASSH = client.hassh;
      record.SSH_HASSH_SERVER = server.hassh;
    },
  }),
});
