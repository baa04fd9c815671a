// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { HeaderCursor, HeaderInOrder, headerEnd, START, startOf, statusOf } from "./message.ts";
import { Packet } from "./packet.ts";

const octets = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const start = (text: string) => startOf(octets(text), 0, text.length, "HTTP/");

/** A TCP segment of a header, by the offset of its first byte. */
function segment(header: string, from: number, to: number): Packet {
  const packet = new Packet();
  packet.bytes = new Uint8Array(new ArrayBuffer(20 + to - from));
  packet.bytes.set(octets(header.slice(from, to)), 20);
  packet.view = new DataView(packet.bytes.buffer);
  packet.view.setUint32(4, from);
  packet.payload = 20;
  packet.end = packet.bytes.length;
  return packet;
}

test("startOf tells requests, responses, neither, and what is too short to tell", () => {
  for (const text of ["GET / HTTP/", "M-SEARCH * HTTP/1.1"])
    expect(start(text)).toBe(START.request);
  expect(start("HTTP/1.1 200 OK")).toBe(START.response);
  for (const text of ["H", "HTTP", "GET", "GET ", "GET /a", "GET /a ", "GET /a HTT"])
    expect(start(text)).toBe(START.unsure);
  for (const text of [
    "",
    "get / HTTP/1.1",
    " / HTTP/1.1",
    "GET  HTTP/1.1",
    "GET /\r\n",
    "GET / RTSP/1.0",
  ])
    expect(start(text)).toBe(START.no);
});

test("startOf and headerEnd say the same whatever lies behind the end", () => {
  const pieces = fc.constantFrom("GET", " ", "/", "HTTP/1.1", "\r\n", "\n", "HT", "a: b", "\r");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), fc.array(pieces, { maxLength: 4 }), (a, b) => {
      const text = a.join("");
      const both = octets(text + b.join(""));
      const alone = octets(text);
      expect(startOf(both, 0, text.length, "HTTP/")).toBe(start(text));
      expect(headerEnd(both, 0, text.length)).toBe(headerEnd(alone, 0, text.length));
    }),
    { seed: 3, numRuns: 300 },
  );
});

test("HeaderCursor reads fields in any case, trims them, and passes over what is none", () => {
  const cursor = new HeaderCursor();
  const text = "A b  c\nX-One:  1 \t\r\nno field\r\n:\r\nx-TWO:two:2\n\r\nx-three: 3\r\n";
  expect(cursor.begin(octets(text), 0, text.length)).toBe(true);
  expect([0, 1, 2, 3, 4].map((i) => cursor.word(i, 9))).toEqual(["A", "b", "", "c", ""]);
  const seen: string[] = [];
  while (cursor.next())
    for (const name of ["x-one", "x-two", "x-three", ""])
      if (cursor.is(name)) seen.push(`${name}=${cursor.value(4)}`);
  expect(seen).toEqual(["x-one=1", "=", "x-two=two:"]);
});

test("statusOf takes three digits alone", () => {
  expect(["200", "099", "20", "2000", "2x0", ""].map(statusOf)).toEqual([200, 0, 0, 0, 0, 0]);
});

test("HeaderInOrder is whole with its blank line, wherever that is split", () => {
  const header = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (let cut = 1; cut < header.length; cut++) {
    const side = new HeaderInOrder();
    expect([side.take(segment(header, 0, cut), true), side.pending]).toEqual([false, true]);
    expect(side.take(segment(header, cut, header.length), true)).toBe(true);
    expect(side.end - side.from).toBe(header.length);
    side.reset();
    expect(side.pending).toBe(false);
  }
});

test("HeaderInOrder keeps nothing of a header in one packet, nor of a datagram", () => {
  const side = new HeaderInOrder();
  expect(side.take(segment("A / B\r\n\r\n", 0, 9), true)).toBe(true);
  expect(side.take(segment("A / B", 0, 5), false)).toBe(true);
  expect([side.pending, side.rest()]).toEqual([false, false]);
});

test("HeaderInOrder gives up waiting at its bound", () => {
  const header = "x".repeat(9000);
  const side = new HeaderInOrder();
  expect(side.take(segment(header, 0, 4000), true)).toBe(false);
  expect(side.take(segment(header, 4000, 9000), true)).toBe(true);
  expect(side.end - side.from).toBe(4096);
});
