// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, property } from "fast-check";
import { NemeanError } from "../errors.ts";
import { compileFilter } from "./filter.ts";
import { FlowRecord } from "./flow-record.ts";
import { record, u8, u16, u32, u64 } from "./testing/layout1.ts";

const START = 1_700_000_000_000;
const generic = Buffer.concat([
  u16(1, 52),
  u64(START, START + 2000, START, 20, 3000),
  u16(40_000, 443),
  u8(6, 0x12, 0, 184),
]);
const v4 = Buffer.concat([u16(2, 12), u32(0x0a01_0203, 0xc633_6402)]);
const v6 = Buffer.concat([u16(3, 36), u64(0x2001_0db8_0000_0000n, 1n, 0x2001_0db8_0001_0000n, 2n)]);
const more = [
  Buffer.concat([u16(4, 20), u32(3, 9), u8(24, 16, 0, 7, 0, 0), u16(0)]),
  Buffer.concat([u16(5, 28), u64(4, 30, 9000)]),
  Buffer.concat([u16(6, 12), u32(100, 200)]),
  Buffer.concat([u16(7, 12), u32(64_512, 65_000)]),
  Buffer.concat([u16(10, 8), u32(0x0a00_0001)]),
];
const icmp = Buffer.concat([
  u16(1, 52),
  u64(START, START, START, 1, 64),
  u16(0, 0x0301),
  u8(1, 0, 0, 0),
]);

function viewOf(...extensions: Buffer[]): DataView {
  const bytes = record(11, u16(extensions.length), u8(0, 0), u16(0), u8(0, 0), ...extensions);
  const flow = new FlowRecord();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  expect(flow.takeV3(view, 0, bytes.length)).toBe(true);
  return flow.view;
}
const FLOW = viewOf(generic, v4, ...more);
const FLOW6 = viewOf(generic, v6);
const ICMP = viewOf(icmp, v4);

test.each([
  "any",
  "PROTO TCP",
  "proto 6",
  "inet",
  "ipv4 and not inet6",
  "src ip 10.1.2.3",
  "host 198.51.100.2",
  "src net 10.0.0.0/8",
  "net 10.1.2.3/32",
  "net 198.51.0.0 255.255.0.0",
  "ip in [ 192.0.2.1 10.1.0.0/16 ]",
  "src or dst net 198.51.100.0/24",
  "src and dst net 0.0.0.0/0",
  "port 443",
  "dst port = 443",
  "src port in [ 1, 40000 ]",
  "src port > 1024 and dst port <= 443",
  "src and dst port > 442",
  "flags AS",
  "flags 0x12",
  "flags S and not flags FRPU",
  "tos 184",
  "dst tos 7",
  "src tos 184",
  "in if 3",
  "out if 9",
  "if 9",
  "packets 20",
  "packets > 10 and bytes < 5k",
  "bytes EQ 3k",
  "bytes gt 2999",
  "out packets > 29",
  "out bytes 9k",
  "in bytes 3000",
  "flows = 4",
  "duration = 2000",
  "pps 10",
  "bps 12k",
  "bpp >= 150",
  "src as 64512",
  "as 65000",
  "src vlan 100",
  "vlan 200",
  "src mask 24",
  "next ip 10.0.0.1",
  "proto udp or (port 443 and not (proto icmp || inet6))",
  "! proto udp && port 443",
])("a flow is %s, in nfdump's language", (text) => {
  expect(compileFilter(text)(FLOW)).toBe(true);
  expect(compileFilter(`not (${text})`)(FLOW)).toBe(false);
});

describe("other flows", () => {
  test.each([
    ["inet6", true],
    ["inet", false],
    ["net 2001:db8::/47", true],
    ["src net 2001:db8:1::/48", false],
    ["dst net 2001:db8:1::/48", true],
    ["host 2001:db8::1", true],
    ["ip 0.0.0.0", false],
    ["net 10.0.0.0/8", false],
    ["flows = 1", true],
  ])("an IPv6 flow is %s: %p", (text, is) => {
    expect(compileFilter(text)(FLOW6)).toBe(is);
  });

  test.each([
    ["icmp-type 3 and icmp-code 1", true],
    ["icmp-type 8", false],
    ["flags S", false],
    ["duration < 1", true],
    ["pps > 0", false],
  ])("an ICMP flow is %s: %p", (text, is) => {
    expect(compileFilter(text)(ICMP)).toBe(is);
  });

  test("a flow of TCP has no type of ICMP", () => {
    expect(compileFilter("icmp-type 1")(FLOW)).toBe(false);
  });
});

test.each([
  ["", "the end: expected ip, host, net"],
  ["prot tcp", '"prot": expected ip, host, net'],
  ["proto nonsense", "expected a protocol's number, or one of icmp"],
  ["src ip 1.2.3", '"1.2.3" behind "src ip": expected an address'],
  ["net 10.0.0.0/33", "expected a length of 0 to 32"],
  ["port", 'the end behind "port": expected a number'],
  ["port > x", '"x" behind "port >": expected a number'],
  ["port 5 6", '"6" behind "port 5": expected `and`, `or` or the end'],
  ["(port 5", "expected `)`"],
  ["port in 5", "expected `[`"],
  ["port in [ 5", "expected a number"],
  ["flags Q", "expected letters of FSRPAUEC"],
  ["in port 5", "expected if, packets or bytes"],
  ["next 1.2.3.4", "expected `ip`"],
  ["(".repeat(200), "more than 100 parentheses"],
])("a filter says what is wrong with %j", (text, message) => {
  expect(() => compileFilter(text)).toThrow(message);
});

test("a filter of any words is compiled, or refused with ERR_PARAM", () => {
  const words = constantFrom(
    ..."and or not ( ) [ ] , src dst ip net port in 5 10k 10.0.0.0/8 > = flags S proto tcp constructor __proto__ toString".split(
      " ",
    ),
  );
  assert(
    property(array(words, { maxLength: 12 }), (text) => {
      try {
        expect(compileFilter(text.join(" "))(FLOW)).toBeBoolean();
      } catch (error) {
        if (!(error instanceof NemeanError) || error.code !== "ERR_PARAM") throw error;
      }
    }),
    { numRuns: 3000 },
  );
});
