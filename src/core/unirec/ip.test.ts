// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { isIP } from "node:net";
import { array, assert, constantFrom, integer, property, string, tuple } from "fast-check";
import { Address, ipText, isV4, macText, parseIp, parseMac, sameIp, swap } from "./ip.ts";
import { readScalar } from "./scalar.ts";
import { anyIp } from "./test-kit.ts";
import { writeScalar } from "./writer.ts";

const bytesOf = (text: string): Uint8Array => {
  const view = new DataView(new ArrayBuffer(16));
  writeScalar(view, 0, "ipaddr", text);
  return new Uint8Array(view.buffer);
};

test.each([
  ["192.0.2.1", "0000000000000000c0000201ffffffff"],
  ["2001:db8::1", "20010db8000000000000000000000001"],
  ["0.0.0.0", "000000000000000000000000ffffffff"],
  ["255.255.255.255", "0000000000000000ffffffffffffffff"],
  ["::", "00000000000000000000000000000000"],
  ["::ffff:1.2.3.4", "00000000000000000000ffff01020304"],
])("address %s is kept as UniRec keeps it", (text, hex) => {
  expect(bytesOf(text).toHex()).toBe(hex);
  expect(readScalar(new DataView(bytesOf(text).buffer), 0, "ipaddr")).toBe(text);
});

test("isV4 tells IPv4 by eight zeros in front and four ones behind, and nothing else", () => {
  expect(isV4(parseIp("192.0.2.1")!)).toBe(true);
  expect(isV4(parseIp("0.0.0.0")!)).toBe(true);
  for (const text of ["::ffff:1.2.3.4", "::1.2.3.4", "::", "1::ffff:ffff", "0:0:0:1::ffff:ffff"])
    expect(isV4(parseIp(text)!)).toBe(false);
  // What UniRec cannot tell apart (section 2.1).
  expect(isV4(parseIp("::c000:201:ffff:ffff")!)).toBe(true);
});

/** Groups of an address, by the plain reading of RFC 4291 section 2.2. */
const hexGroups = (groups: readonly number[]): string =>
  groups.map((group) => group.toString(16)).join(":");

/** RFC 5952 by trying every shortening, and glibc's dotted tail: another algorithm than ipText's. */
function reference(groups: readonly number[]): string {
  const lead = groups.findIndex((group) => group !== 0);
  const dotted = [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join(".");
  if (lead === 6) return `::${dotted}`;
  if (lead === 5 && groups[5] === 0xffff) return `::ffff:${dotted}`;
  const text = `:${hexGroups(groups)}:`;
  for (let length = 8; length > 1; length--) {
    const zeros = `:${"0:".repeat(length)}`;
    if (!text.includes(zeros)) continue;
    const found = text.replace(zeros, "::");
    return found.replace(/^:(?!:)/, "").replace(/(?<!:):$/, "");
  }
  return text.slice(1, -1);
}

const anyGroups = array(constantFrom(0, 0, 0, 1, 0xffff, 0xab, 0x1234), {
  minLength: 8,
  maxLength: 8,
});
const group = integer({ min: 0, max: 0xffff });
const randomGroups = array(group, { minLength: 8, maxLength: 8 });

for (const [name, groups] of [
  ["full of zeros", anyGroups],
  ["at random", randomGroups],
] as const) {
  test(`ipText and parseIp agree with inet_ntop on IPv6 addresses ${name}`, () => {
    assert(
      property(groups, (all) => {
        const ip = parseIp(hexGroups(all))!;
        if (isV4(ip)) return;
        const text = ipText(ip);
        expect(text).toBe(reference(all));
        expect(isIP(text)).toBe(6);
        expect(sameIp(parseIp(text)!, ip)).toBe(true);
        expect(sameIp(parseIp(text.toUpperCase())!, ip)).toBe(true);
        // WHATWG URLs shorten alike, but write the last 32 bits in hexadecimal.
        if (!text.includes("."))
          expect(new URL(`http://[${hexGroups(all)}]`).hostname).toBe(`[${text}]`);
      }),
      { seed: 6, numRuns: 2000 },
    );
  });
}

test.each([
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["1:0:0:2:0:0:3:4", "1::2:0:0:3:4"],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"],
  ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
  ["2001:DB8::00A0", "2001:db8::a0"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["0:0:0:0:0:0:1:0", "::0.1.0.0"],
  ["0:0:0:0:0:ffff:0:0", "::ffff:0.0.0.0"],
  ["0:0:0:0:ffff:0:1:2", "::ffff:0:1:2"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
])("ipText writes %s as inet_ntop does", (text, expected) => {
  expect(ipText(parseIp(text)!)).toBe(expected);
});

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.256",
  "1.2.3.04",
  "1.2.3.-4",
  " 1.2.3.4",
  "1.2.3.4 ",
  "0x1.2.3.4",
  "16909060",
  "host",
  ":",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4::5:6:7:8",
  "1::2::3",
  ":1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:",
  "12345::",
  "g::",
  "::1.2.3",
  "::1.2.3.4:5",
  "1.2.3.4::",
  "1:2:3:4:5:6:7:1.2.3.4",
  "fe80::1%eth0",
  "[::1]",
])('parseIp refuses "%s"', (text) => {
  expect(parseIp(text)).toBeUndefined();
  expect(isIP(text.replace(/%.*/, "%%"))).toBe(0);
});

test("parseIp takes a text exactly when node:net does", () => {
  const pieces = constantFrom(
    "1",
    "0",
    "ab",
    "255",
    "256",
    "01",
    "ffff",
    ".",
    ".",
    ":",
    ":",
    "::",
    "1.2.3.4",
  );
  const texts = array(pieces, { maxLength: 12 }).map((all) => all.join(""));
  assert(
    property(texts, (text) => {
      expect(parseIp(text) !== undefined).toBe(isIP(text) !== 0);
    }),
    { seed: 4, numRuns: 5000 },
  );
});

test("parseIp and parseMac take no text that is none", () => {
  assert(
    property(string(), (text) => {
      expect(parseIp(text) !== undefined).toBe(isIP(text) !== 0 && !text.includes("%"));
      expect(parseMac(text)).toBeUndefined();
    }),
    { seed: 5, numRuns: 500 },
  );
});

test("Address keeps what it is given and writes what parseIp reads", () => {
  assert(
    property(anyIp, (text) => {
      const address = Address.of(parseIp(text)!);
      expect(String(address)).toBe(text);
      expect(sameIp(address, parseIp(text)!)).toBe(true);
    }),
    { seed: 7, numRuns: 500 },
  );
  expect(String(new Address().setV4(0xc0000201))).toBe("192.0.2.1");
  expect(sameIp(parseIp("::1")!, parseIp("::2")!)).toBe(false);
  expect(swap(0x01020304)).toBe(0x04030201);
  expect(swap(0xff)).toBe(-16777216);
});

test("parseMac and macText round-trip any 48 bits", () => {
  const octets = tuple(...Array.from({ length: 6 }, () => integer({ min: 0, max: 255 })));
  assert(
    property(octets, (all) => {
      const text = all.map((octet) => octet.toString(16).padStart(2, "0")).join(":");
      const mac = parseMac(text)!;
      expect(mac).toBe(Number(`0x${text.replaceAll(":", "")}`));
      expect(macText(mac)).toBe(text);
      expect(parseMac(text.toUpperCase())).toBe(mac);
      const view = new DataView(new ArrayBuffer(6));
      writeScalar(view, 0, "macaddr", text);
      expect([...new Uint8Array(view.buffer)]).toEqual(all);
      expect(readScalar(view, 0, "macaddr")).toBe(mac);
    }),
    { seed: 8, numRuns: 300 },
  );
});

test.each([
  "",
  "00:11:22:33:44",
  "00:11:22:33:44:55:66",
  "00-11-22-33-44-55",
  "00:11:22:33:44:gg",
  "001122334455",
  "000:11:22:33:44:55",
])('parseMac refuses "%s"', (text) => {
  expect(parseMac(text)).toBeUndefined();
});
