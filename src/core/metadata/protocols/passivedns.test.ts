// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { type Bytes, zeros } from "../../packet/test-kit.ts";
import { framed, message, name, question, RESPONSE, record, textOf } from "../dns/test-kit.ts";
import { type Frames, malformedIn, protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams, streamFrames } from "../testing/text-frames.ts";
import passivedns from "./passivedns.ts";

testProtocol(passivedns, { capture: "dns.pcap" });

const HOST = question(name("www.example.org"));

const answer = (...answers: Bytes[]): Bytes =>
  message({ flags: RESPONSE, questions: [HOST], answers });

const udp = (...messages: (readonly [0 | 1, Bytes])[]): Frames =>
  datagrams(
    messages.map(([side, bytes]) => [side, textOf(bytes)]),
    53,
  );

const COLUMNS = ["DNS_ID", "DNS_ATYPE", "DNS_NAME", "DNS_RR_TTL", "DNS_IP"];

const pairs = (frames: Frames): unknown[][] =>
  protocolRows(passivedns, frames, { compat: true }).map((row) =>
    COLUMNS.map((column) => row[column]),
  );

const A = record({ name: name("a.example"), ttl: 300, data: [192, 0, 2, 80] });
const ALL = answer(
  record({ type: 5, data: name("a.example") }),
  A,
  record({ name: name("a.example"), type: 28, data: [0x20, 1, 0xd, 0xb8, ...zeros(11), 1] }),
  record({ name: name("9.2.0.192.in-addr.arpa"), type: 12, data: name("b.example") }),
  record({ name: name("no.address"), type: 12, data: name("c.example") }),
);
const FOUND = [
  [7, 1, "a.example", 300, "192.0.2.80"],
  [7, 28, "a.example", 60, "2001:db8::1"],
  [7, 12, "b.example", 60, "192.0.2.9"],
];

test("passivedns tells the name and address of each record, under the name that owns it", () => {
  expect(pairs(udp([1, ALL]))).toEqual(FOUND);
});

test("passivedns repeats the flow for each pair, and tells a pair once", () => {
  const query = message({ questions: [HOST] });
  const found = protocolRows(passivedns, udp([0, query], [1, ALL], [1, ALL.with(1, 8)]));
  expect(found).toHaveLength(3);
  for (const row of found) expect(row).toMatchObject({ DNS_ID: 7, PACKETS: 1, PACKETS_REV: 2 });
});

test("passivedns reads responses over TCP that come in several segments", () => {
  const frames = streamFrames(
    [
      [0, textOf(framed(message({ questions: [HOST] }))), []],
      [1, textOf(framed(ALL)), [2, 40, 90]],
    ],
    53,
  );
  expect(pairs(frames)).toEqual(FOUND);
});

test("passivedns believes nobody but the server's port, and responses only", () => {
  expect(pairs(udp([0, ALL]))).toEqual([]);
  expect(pairs(udp([1, ALL.with(2, 0x01)]))).toEqual([]);
});

test("passivedns leaves records of other sections and classes alone", () => {
  const chaos = record({ class: 3, data: [1, 2, 3, 4] });
  const others = message({
    flags: RESPONSE,
    questions: [HOST],
    answers: [chaos],
    additionals: [A],
  });
  expect(pairs(udp([1, others]))).toEqual([]);
  expect(malformedIn(passivedns, udp([1, others]))).toBe(0);
});

test("passivedns counts broken addresses and names, and keeps what came before", () => {
  const broken = [
    record({ data: [1, 2, 3] }),
    record({ type: 28, data: [1, 2, 3, 4] }),
    record({ name: name("1.2.0.192.in-addr.arpa"), type: 12, data: [0xc0, 0xff] }),
  ];
  for (const bytes of broken) {
    const frames = udp([1, answer(A, bytes, A)]);
    expect(pairs(frames)).toEqual(FOUND.slice(0, 1));
    expect(malformedIn(passivedns, frames)).toBe(1);
  }
});

test("passivedns keeps a bounded number of pairs", () => {
  const many = Array.from({ length: 100 }, (_, i) => record({ data: [10, 0, 0, i] }));
  expect(pairs(udp([1, answer(...many)]))).toHaveLength(64);
});
