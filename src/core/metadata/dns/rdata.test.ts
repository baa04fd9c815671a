// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { type Bytes, u16, u32, zeros } from "../../packet/test-kit.ts";
import { DnsMessage, TYPE } from "./message.ts";
import { writeRdata } from "./rdata.ts";
import { bytesOf, message, name, question, record, strings, TO_QUESTION } from "./test-kit.ts";
import { DnsText } from "./text.ts";

/** The text of a record's data; undefined when they break the rules. */
function textOf(type: number, data: Bytes, max = 1024): string | undefined {
  const bytes = Uint8Array.from(
    message({
      questions: [question(name("example.org"))],
      answers: [record({ type, data }), record({ data: [0, 0, 0, 0] })],
    }),
  );
  const read = new DnsMessage();
  read.begin({ bytes, view: new DataView(bytes.buffer) }, 0, bytes.length);
  expect(read.record()).toBeTrue();
  const out = new DnsText(max);
  writeRdata(read, out);
  return read.isMalformed ? undefined : out.toString();
}

const MAIL: Bytes = [4, ...bytesOf("mail"), ...TO_QUESTION];

test("writeRdata writes the data of each known type", () => {
  const found: readonly (readonly [number, Bytes, string])[] = [
    [TYPE.a, [192, 0, 2, 255], "192.0.2.255"],
    [TYPE.aaaa, [0x20, 1, 0xd, 0xb8, ...zeros(11), 1], "2001:db8::1"],
    [TYPE.ns, MAIL, "mail.example.org"],
    [TYPE.cname, name("example.net"), "example.net"],
    [TYPE.ptr, TO_QUESTION, "example.org"],
    [TYPE.dname, TO_QUESTION, "example.org"],
    [TYPE.mx, [0, 20, ...MAIL], "20 mail.example.org"],
    [TYPE.srv, [0, 1, 0, 100, 0, 88, ...name("kdc")], "1 100 88 kdc"],
    [TYPE.txt, strings("v=spf1", "", "-all"), "v=spf1  -all"],
    [TYPE.hinfo, strings("X86_64", "LINUX"), "X86_64 LINUX"],
    [TYPE.minfo, [...TO_QUESTION, ...MAIL], "example.org mail.example.org"],
    [
      TYPE.soa,
      [...TO_QUESTION, ...MAIL, ...[4_294_967_295, 1, 2, 3, 4].flatMap(u32)],
      "example.org mail.example.org 4294967295 1 2 3 4",
    ],
    [TYPE.ds, [...u16(4711), 13, 2, ...zeros(32)], "4711 13 2 <key>"],
    [TYPE.dnskey, [...u16(257), 3, 8, ...zeros(64)], "257 3 8 <key>"],
    [
      TYPE.rrsig,
      [...u16(6), 8, 0, ...[86_400, 2, 1].flatMap(u32), ...u16(60_615), 0, 1, 2],
      "6 8 0 86400 2 1 60615 <key>",
    ],
    [65, [0, 1, 0xab], "\\# 3 0001ab"],
  ];
  for (const [type, data, text] of found) expect(textOf(type, data)).toBe(text);
});

test("writeRdata finds data broken that are shorter or longer than their type", () => {
  const exact: readonly (readonly [number, Bytes])[] = [
    [TYPE.a, [192, 0, 2, 1]],
    [TYPE.aaaa, zeros(16)],
    [TYPE.cname, name("example.net")],
    [TYPE.mx, [0, 20, ...MAIL]],
    [TYPE.srv, [0, 1, 0, 100, 0, 88, ...MAIL]],
    [TYPE.minfo, [...MAIL, ...MAIL]],
    [TYPE.soa, [...MAIL, ...MAIL, ...zeros(20)]],
    [TYPE.txt, strings("text")],
  ];
  for (const [type, data] of exact) {
    expect(textOf(type, data)).toBeString();
    expect(textOf(type, [...data, 9])).toBeUndefined();
    for (let size = 1; size < data.length; size++)
      expect(textOf(type, data.slice(0, size))).toBeUndefined();
  }
  const headed = { [TYPE.ds]: 4, [TYPE.dnskey]: 4, [TYPE.rrsig]: 18 };
  for (const [type, size] of Object.entries(headed)) {
    expect(textOf(Number(type), zeros(size))).toEndWith(" <key>");
    expect(textOf(Number(type), zeros(size - 1))).toBeUndefined();
  }
});

test("writeRdata leaves records without data empty, as updates have them", () => {
  for (const type of [TYPE.a, TYPE.soa, 65]) expect(textOf(type, [])).toBe("");
});

test("writeRdata keeps to the bound of its text", () => {
  expect(textOf(TYPE.txt, strings("x".repeat(200), "y".repeat(200)), 300)).toHaveLength(300);
  expect(textOf(65, zeros(1000))).toHaveLength("\\# 1000 ".length + 256);
});
