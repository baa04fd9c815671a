// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { Bytes } from "../../packet/test-kit.ts";
import { Hello } from "../tls/hello.ts";
import { ClientInitials, type InitialTools, OUTCOME } from "./client-initials.ts";
import { CryptoStream, CryptoStreams } from "./crypto-stream.ts";
import { LongHeader } from "./header.ts";
import { clientHello, crypto, hello, initial, serverName, TARGET } from "./test-kit.ts";

const HELLO = clientHello([serverName("www.example.org")]);
const HALF = initial(crypto(0, HELLO.slice(0, 40)));
const REST = initial(crypto(40, HELLO.slice(40)), { number: 1 });

const toolsFor = (max: number): InitialTools => ({
  hello: new Hello(),
  streams: new CryptoStreams(max),
  spare: new CryptoStream(),
});

/** What becomes of a packet; its memory is a Node buffer, as that of a capture may be. */
function take(initials: ClientInitials, packet: Bytes): number {
  const bytes = Buffer.from(packet);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = new LongHeader();
  expect(header.read(view, 0, { captured: bytes.length, end: bytes.length })).toBe(true);
  const outcome = initials.take(bytes, header);
  expect([...bytes]).toEqual([...packet]);
  return outcome;
}

test("ClientInitials reads hellos of one packet when no memory is left for those of several", () => {
  const tools = toolsFor(1);
  const [first, second] = [new ClientInitials(tools), new ClientInitials(tools)];
  expect(take(first, HALF)).toBe(OUTCOME.opened);
  expect([take(second, HALF), take(second, REST)]).toEqual([OUTCOME.opened, OUTCOME.opened]);
  expect(take(second, hello(HELLO))).toBe(OUTCOME.hello);
  expect(tools.hello.name).toBe("www.example.org");
});

test("ClientInitials gives its memory back with the hello, with a flow that ends, and after nonsense", () => {
  const tools = toolsFor(1);
  const read = new ClientInitials(tools);
  expect([take(read, HALF), take(read, REST)]).toEqual([OUTCOME.opened, OUTCOME.hello]);
  read.finish();
  const ended = new ClientInitials(tools);
  take(ended, HALF);
  expect(tools.streams.take()).toBeUndefined();
  ended.reset();
  const broken = new ClientInitials(tools);
  expect(take(broken, hello(clientHello([], 2)))).toBe(OUTCOME.broken);
  expect([broken.isOver, tools.streams.take() !== undefined]).toEqual([true, true]);
});

test("ClientInitials waits for no hello that is longer than its bound", () => {
  const initials = new ClientInitials(toolsFor(1));
  expect(take(initials, initial(crypto(0, [1, 0, 0x40, 0, 3, 3])))).toBe(OUTCOME.opened);
  expect(initials.isOver).toBe(true);
});

test("ClientInitials takes no connection id that a client would not invent, unless it knows the keys", () => {
  const short = initial(crypto(0, HELLO), { target: TARGET.slice(0, 7) });
  const initials = new ClientInitials(toolsFor(1));
  expect(take(initials, short)).toBe(OUTCOME.skipped);
  initials.restart(Uint8Array.from(TARGET.slice(0, 7)));
  expect(take(initials, short)).toBe(OUTCOME.hello);
});
