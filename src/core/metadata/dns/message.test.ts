// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Bytes, u16 } from "../../packet/test-kit.ts";
import { DnsMessage, SECTION, TYPE } from "./message.ts";
import { message, name, options, question, record, TO_QUESTION } from "./test-kit.ts";
import { DnsText, ESCAPES } from "./text.ts";

const text = new DnsText(1020);

function begun(bytes: Bytes, before = 0): DnsMessage {
  const memory = Uint8Array.from([...new Array<number>(before).fill(0xff), ...bytes]);
  const read = new DnsMessage();
  read.begin({ bytes: memory, view: new DataView(memory.buffer) }, before, memory.length);
  return read;
}

/** The name of a message's only question; undefined when it is broken. */
function nameOf(bytes: Bytes, table: Uint8Array = ESCAPES.host): string | undefined {
  const read = begun(message({ questions: [[...bytes, ...u16(1), ...u16(1)]] }));
  if (!read.question()) return undefined;
  read.name(read.nameAt, text.clear(), table);
  return text.toString();
}

test("DnsMessage reads questions, then the records of each section, and nothing behind them", () => {
  const bytes = message({
    id: 0xbeef,
    questions: [question(name("a.example"), 28), question(TO_QUESTION, 1)],
    answers: [record({ ttl: 9, data: [192, 0, 2, 1] })],
    authorities: [record({ type: TYPE.ns, data: TO_QUESTION })],
    additionals: [options(1232, 0x8000)],
  });
  const read = begun([...bytes, 1, 2, 3], 5);
  expect([read.id, read.questions, read.answers, read.isResponse]).toEqual([0xbeef, 2, 1, false]);
  expect(read.question() && read.type).toBe(28);
  expect(read.question() && read.type).toBe(1);
  expect(read.question()).toBeFalse();
  const records = [];
  while (read.record()) records.push([read.section, read.type, read.ttl, read.dataEnd - read.data]);
  expect(records).toEqual([
    [SECTION.answer, TYPE.a, 9, 4],
    [SECTION.authority, TYPE.ns, 60, 2],
    [SECTION.additional, TYPE.opt, 0x8000, 0],
  ]);
  expect(read.isMalformed).toBeFalse();
});

test("DnsMessage follows pointers that lead back, several of them as well", () => {
  const chained = begun(
    message({
      questions: [question(name("example.org"))],
      answers: [
        // It stands at 29: "www", and the question's name.
        record({ name: [3, 0x77, 0x77, 0x77, ...TO_QUESTION], data: [0, 0, 0, 0] }),
        record({ name: [1, 0x61, 0xc0, 29], data: [0, 0, 0, 0] }),
      ],
    }),
  );
  const names = [];
  while (chained.record()) {
    chained.name(chained.nameAt, text.clear());
    names.push(text.toString());
  }
  expect(names).toEqual(["www.example.org", "a.www.example.org"]);
});

test("DnsMessage refuses pointers to themselves, forward, into the header, and labels of no kind", () => {
  const broken: Bytes[] = [
    [0xc0, 12],
    [1, 0x61, 0xc0, 12],
    [0xc0, 14, 0xc0, 12],
    [0xff, 0xff],
    [0xc0, 4],
    [0x40, 0],
    [0x80, 0],
  ];
  for (const bytes of broken) {
    const read = begun(message({ questions: [question(bytes)] }));
    expect(read.question()).toBeFalse();
    expect(read.isMalformed).toBeTrue();
    // Not even where the message is cut: what is there is wrong.
    read.isCut = true;
    expect(read.isMalformed).toBeTrue();
  }
});

test("DnsMessage takes names of 255 bytes and no longer ones", () => {
  const long = Array.from({ length: 3 }, () => "x".repeat(63)).join(".");
  expect(nameOf(name(`${long}.${"y".repeat(61)}`))).toHaveLength(253);
  expect(nameOf(name(`${long}.${"y".repeat(62)}`))).toBeUndefined();
});

test("DnsMessage writes what is not printed as numbers, and dots within labels with a backslash", () => {
  const odd: Bytes = [5, 0x61, 0x2e, 0x5c, 0x20, 0xe9, 2, 0, 0x7f, 0];
  expect(nameOf(odd)).toBe("a\\.\\\\\\032\\233.\\000\\127");
  expect(nameOf(odd, ESCAPES.none)).toBe("a.\\ \ufffd.\0\u007f");
  const service: Bytes = [7, ...Buffer.from("é a;b."), 0];
  expect(nameOf(service, ESCAPES.service)).toBe("é a\\;b\\.");
  expect(nameOf([0])).toBe("");
});

test("DnsMessage tells a message that ends too early from one that the capture cut", () => {
  const whole = message({ questions: [question(name("example.org"))], answers: [] });
  for (let size = 12; size < whole.length; size++) {
    const read = begun(whole.slice(0, size));
    expect(read.question()).toBeFalse();
    expect(read.isMalformed).toBeTrue();
    read.isCut = true;
    expect(read.isMalformed).toBeFalse();
  }
  // A count that the message does not hold.
  const counted = begun(whole.with(7, 1));
  expect(counted.question()).toBeTrue();
  expect(counted.record()).toBeFalse();
  expect(counted.isMalformed).toBeTrue();
});

test("DnsMessage comes to an end whatever it reads, and stays within the message", () => {
  const byte = fc.oneof(fc.constantFrom(0, 1, 12, 0xc0), fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { minLength: 12, maxLength: 300 }), (bytes) => {
      const read = begun(bytes);
      let count = 0;
      while (read.question()) count++;
      while (read.record()) {
        count++;
        expect(read.dataEnd).toBeLessThanOrEqual(bytes.length);
        expect(read.name(read.nameAt, text.clear())).toBeGreaterThan(read.nameAt);
        expect(text.length).toBeLessThanOrEqual(1020);
      }
      expect(count).toBeLessThanOrEqual(bytes.length / 5);
    }),
  );
});

test("DnsMessage does not walk a long chain of pointers for each record", () => {
  // 8000 pointers, each to the one in front of it.
  const chain: Bytes = Array.from({ length: 8000 }, (_, i) => u16(0xc000 | (12 + 2 * i))).flat();
  const read = begun([...message({ questions: [question(name("a"))] }).slice(0, 12), 0, ...chain]);
  expect(read.name(12 + chain.length - 1, text.clear())).toBe(-1);
  expect(read.isMalformed).toBeTrue();
});
