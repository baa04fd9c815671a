// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { Batch } from "../batch.ts";
import type { ByteStream } from "../net/stream.ts";
import { AGAIN } from "../net/stream.ts";
import type { Receiver } from "../port.ts";
import { Random } from "../traffic/rng.ts";
import { parseTemplate } from "../unirec/template.ts";
import { encodeHello } from "./hello.ts";
import { Session } from "./session.ts";
import { container } from "./testing/wire.ts";

const CASES = 1_000_000;
const CONTAINER_MAX = 1 << 20;

/** A stream that gives what it was given, `step` bytes a read. */
class Fed implements ByteStream {
  readonly fd = -1;
  readonly wants = 1;
  readonly failure = undefined;
  bytes = new Uint8Array(0);
  step = 1;
  #at = 0;

  feed(bytes: Uint8Array<ArrayBuffer>, step: number): void {
    this.bytes = bytes;
    this.step = step;
    this.#at = 0;
  }

  read(into: Uint8Array, from: number, to: number): number {
    const size = Math.min(this.step, to - from, this.bytes.length - this.#at);
    if (size === 0) return AGAIN;
    into.set(this.bytes.subarray(this.#at, this.#at + size), from);
    this.#at += size;
    return size;
  }

  write(): number {
    throw new Error("a receiver never writes");
  }

  close(): void {
    // Nothing is open.
  }
}

/** Checks that each batch is made of whole messages and lies in its memory. */
class Strict implements Receiver {
  messages = 0;

  receive({ view, start, length, count }: Batch): void {
    const end = start + length;
    if (end > view.byteLength) throw new Error("a batch beyond its memory");
    let at = start;
    for (let i = 0; i < count; i++) {
      const size = view.getUint16(at);
      if (size < 2) throw new Error("an end within a batch");
      at += 2 + size;
    }
    if (at !== end) throw new Error("messages that do not fill their batch");
    this.messages += count;
  }

  advance(): void {
    // Event time does not travel.
  }

  end(): void {
    // Told by the session's state.
  }
}

const HELLO = encodeHello(parseTemplate("uint32 A,string S"));
const MESSAGES = [
  Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0),
  Uint8Array.of(9, 9, 9, 9, 0, 0, 2, 0, 65, 66),
];
const VALID = Buffer.concat([HELLO, container(MESSAGES), container([...MESSAGES, ...MESSAGES], 2)]);

test("Session gives the messages of a valid stream, however it is cut", () => {
  for (let step = 1; step <= VALID.length; step++) {
    const kept = new Strict();
    const session = new Session(kept, CONTAINER_MAX);
    const stream = new Fed();
    stream.feed(new Uint8Array(VALID), step);
    session.begin();
    while (session.read(stream) > 0) expect(session.take().kind).toBe("open");
    expect([kept.messages, session.messages, session.malformed, session.missed]).toEqual([
      6, 6, 0, 0,
    ]);
  }
});

test(`Session survives ${CASES.toLocaleString("en-US")} broken streams: noise, and valid ones with damage`, () => {
  const random = new Random(20_261_124);
  const kept = new Strict();
  let session = new Session(kept, CONTAINER_MAX);
  const stream = new Fed();
  const states = new Map<string, number>();
  const noise = new Uint8Array(64);
  const damaged = new Uint8Array(VALID.length);
  for (let i = 0; i < CASES; i++) {
    let bytes: Uint8Array<ArrayBuffer>;
    if (i % 4 === 0) {
      bytes = noise.subarray(0, 1 + random.below(noise.length - 1));
      for (let k = 0; k < bytes.length; k++) bytes[k] = random.below(256);
    } else {
      damaged.set(VALID);
      for (let k = random.below(4); k >= 0; k--)
        damaged[random.below(damaged.length)] = random.below(256);
      bytes = damaged.subarray(0, 1 + random.below(damaged.length - 1));
    }
    stream.feed(bytes, 1 + random.below(VALID.length));
    session.begin();
    let kind: string = "open";
    while (kind === "open" && session.read(stream) > 0) kind = session.take().kind;
    states.set(kind, (states.get(kind) ?? 0) + 1);
    // An input's session is over with its stream.
    if (kind === "ended") session = new Session(kept, CONTAINER_MAX);
    else session.cut();
  }
  // Each way a connection can go was gone: the damage reaches everything.
  expect([...states.keys()].toSorted()).toEqual(["broken", "ended", "later", "open"]);
  expect(kept.messages).toBeGreaterThan(CASES / 10);
}, 60_000);
