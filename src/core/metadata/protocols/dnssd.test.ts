// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type Bytes, u16 } from "../../packet/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import {
  bytesOf,
  message,
  name,
  options,
  question,
  record,
  strings,
  textOf,
} from "../dns/test-kit.ts";
import {
  type Frames,
  malformedIn,
  protocolRows,
  protocolText,
  testProtocol,
} from "../testing/protocol-kit.ts";
import { datagrams } from "../testing/text-frames.ts";
import dnssd from "./dnssd.ts";

testProtocol(dnssd, {
  capture: "dnssd.pcap",
  deviations: {
    rows: 3,
    why: "the golden file has lost the apostrophe U+2019 of three hosts' names, which our text form keeps",
  },
});

const FOLDER = "corpus/pcap/ipfixprobe";
const absent = !hasShared(FOLDER);
const BEYOND_ASCII = /[^ -~]/g;

test.skipIf(absent)(
  `dnssd differs from ipfixprobe in characters beyond ASCII only${absent ? ` (${NO_SHARED})` : ""}`,
  () => {
    const golden = readFileSync(sharedPath(FOLDER, "golden/dnssd"), "utf8").trimEnd().split("\n");
    const header = golden.find((line) => line.startsWith("ipaddr "))!;
    const lines = protocolText(dnssd, sharedPath(FOLDER, "dnssd.pcap"), header);
    const plain = lines.map((line) => line.replaceAll(BEYOND_ASCII, ""));
    expect(plain.toSorted()).toEqual(golden.toSorted());
  },
);

const PORT = 5353;
const RESPONSE = 0x8400;
const FLUSH = 0x8001;
const PRINTER = name("Printer._ipp._tcp.local");

const srv = (port: number, target: Bytes): Bytes => [0, 0, 0, 0, ...u16(port), ...target];

const mdns = (...messages: Bytes[]): Frames =>
  datagrams(
    messages.map((bytes) => [0, textOf(bytes)]),
    PORT,
    PORT,
  );

const found = (frames: Frames, compat = false) =>
  protocolRows(dnssd, frames, { compat }).map((row) => [
    row["DNSSD_QUERIES"],
    row["DNSSD_RESPONSES"],
  ]);

const ANNOUNCED = message({
  flags: RESPONSE,
  answers: [
    record({ name: PRINTER, class: FLUSH, type: 16, data: strings("rp=q;1", "", "note=é") }),
    record({ name: name("_ipp._tcp.local"), type: 12, data: PRINTER }),
  ],
  additionals: [
    record({ name: PRINTER, class: FLUSH, type: 33, data: srv(631, name("host.local")) }),
    record({ name: name("host.local"), type: 13, data: strings("ARM", "LINUX") }),
    record({ name: name("host.local"), data: [192, 0, 2, 1] }),
    options(1440),
  ],
});

test("dnssd lists services with port, host, system and strings; the strings not for ipfixprobe", () => {
  const name = "Printer._ipp._tcp.local;631;host.local;;";
  const host = "host.local;-1;;ARM:LINUX;;";
  // The strings of the test come in Latin-1, of which é is no UTF-8.
  expect(found(mdns(ANNOUNCED, ANNOUNCED))).toEqual([["", `${name}rp=q\\;1:note=\ufffd:;${host}`]]);
  expect(found(mdns(ANNOUNCED), true)).toEqual([["", `${name};${host}`]]);
});

test("dnssd lists what is asked for, and what a query is about to claim, but no known answers", () => {
  const known = message({
    flags: 0,
    questions: [question(name("_ipp._tcp.local"), 12), question(name("1.2.0.192.in-addr.arpa"))],
    answers: [record({ name: PRINTER, type: 33, data: srv(1, name("a.local")) })],
    authorities: [record({ name: PRINTER, type: 33, data: srv(2, name("b.local")) })],
    additionals: [record({ name: PRINTER, type: 33, data: srv(3, name("c.local")) })],
  });
  const list = "Printer._ipp._tcp.local;2;b.local;;;";
  expect(found(mdns(known))).toEqual([["_ipp._tcp.local;", list]]);
});

test("dnssd reads names as UTF-8, and tells their dots and semicolons from its own", () => {
  const odd = [...Buffer.from("Jana’s; v1.2")];
  const asked = message({
    flags: 0,
    questions: [question([odd.length, ...odd, ...name("local")])],
  });
  expect(found(mdns(asked))).toEqual([["Jana’s\\; v1\\.2.local;", ""]]);
  expect(found(mdns(asked), true)).toEqual([["Jana’s; v1.2.local;", ""]]);
});

test("dnssd leaves flows without names alone", () => {
  const address = message({
    flags: RESPONSE,
    answers: [record({ name: PRINTER, data: [1, 2, 3, 4] })],
  });
  expect(found(mdns(address, bytesOf("short")), true)).toEqual([]);
  expect(found(mdns(address))).toEqual([["", ""]]);
});

test("dnssd counts messages that break the rules, and keeps what came before", () => {
  const broken: Bytes[] = [
    message({ flags: 0, questions: [question([0xc0, 12])] }),
    message({
      flags: RESPONSE,
      answers: [record({ name: PRINTER, type: 33, data: [0, 0, 0, 0, 0, 1] })],
    }),
    message({
      flags: RESPONSE,
      answers: [record({ name: PRINTER, type: 33, data: srv(1, [0xc0, 0xff]) })],
    }),
    message({ flags: RESPONSE, answers: [record({ name: PRINTER, type: 16, data: [9, 0x61] })] }),
  ];
  for (const bytes of broken) {
    expect(malformedIn(dnssd, mdns(bytes))).toBe(1);
    const [row] = found(mdns(ANNOUNCED, bytes));
    expect(row![1]).toStartWith("Printer._ipp._tcp.local;631;host.local;;");
  }
  expect(malformedIn(dnssd, mdns(ANNOUNCED))).toBe(0);
});
