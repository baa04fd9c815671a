// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { type Bytes, zeros } from "../../packet/test-kit.ts";
import { KIND, LongHeader } from "./header.ts";
import {
  DRAFT_29,
  handshake,
  hex,
  initial,
  negotiation,
  retry,
  V1,
  V2,
  zeroRtt,
} from "./test-kit.ts";

const header = new LongHeader();

/** Whether a datagram begins with a header; `size` is what was captured of it. */
function reads(datagram: Bytes, size = datagram.length): boolean {
  const view = new DataView(Uint8Array.from(datagram.slice(0, size)).buffer);
  return header.read(view, 0, { captured: size, end: datagram.length });
}

test("LongHeader tells the packets of both versions apart", () => {
  for (const version of [V1, V2, DRAFT_29, 0xfaceb002]) {
    const kinds = [initial(zeros(20), { version }), zeroRtt({ version }), handshake({ version })];
    kinds.push(retry([1, 2, 3], { version }));
    expect(kinds.map((packet) => (reads(packet) ? header.kind : -1))).toEqual([
      KIND.initial,
      KIND.zeroRtt,
      KIND.handshake,
      KIND.retry,
    ]);
  }
});

test("LongHeader knows where ids, token and packet end", () => {
  const source = hex("0102030405");
  expect(reads([...initial(zeros(20), { source, token: zeros(70) }), 1, 2, 3])).toBe(true);
  expect(header).toMatchObject({ number: V1, target: 6, targetLength: 8, source: 15 });
  expect(header).toMatchObject({ sourceLength: 5, tokenLength: 70, packetNumber: 94, end: 134 });
  expect(reads(retry(zeros(9)))).toBe(true);
  expect(header.tokenLength).toBe(9);
});

test("LongHeader takes Version Negotiation when one of the versions is QUIC's", () => {
  expect(reads(negotiation([0x1a2a3a4a, V1]))).toBe(true);
  expect(header.kind).toBe(KIND.negotiation);
  expect(reads(negotiation([0x1a2a3a4a]))).toBe(false);
  expect(reads(negotiation([]))).toBe(false);
  expect(reads([...negotiation([V1]), 0])).toBe(false);
  expect(reads([0x80, ...zeros(40)])).toBe(false);
});

test("LongHeader refuses versions that it does not know", () => {
  for (const version of [2, 0xff000015, 0xff000023, 0x51303530, 0xffffffff])
    expect(reads(handshake({ version }))).toBe(false);
});

test("LongHeader refuses short headers, ids that are too long, and lengths that do not fit", () => {
  const packet = initial(zeros(20), { source: [1] });
  expect(reads(packet.with(0, 0x43))).toBe(false);
  expect(reads(handshake({ target: zeros(21) }))).toBe(false);
  expect(reads(handshake({ source: zeros(21) }))).toBe(false);
  expect(reads(packet.slice(0, -1))).toBe(false);
  expect(reads(retry([]))).toBe(false);
  expect(reads([0xc0, 0, 0, 0, 1, 0, 0, 0, 0])).toBe(false);
  // A token that ends behind the packet.
  expect(reads(packet.with(16, 63))).toBe(false);
  // Every header that is cut off; what follows it may be cut off.
  for (let size = 0; size < packet.length; size++) expect(reads(packet, size)).toBe(size >= 19);
});
