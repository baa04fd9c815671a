// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Fingerprints, ja3, ja3Text, ja4 } from "./fingerprints.ts";
import { Hello } from "./hello.ts";

const list = (text: string): number[] => text.split(",").map((word) => Number.parseInt(word, 16));

/** The example of FoxIO's technical_details/JA4.md. */
function example(): Hello {
  const hello = new Hello();
  hello.version = 0x0303;
  hello.hasName = true;
  hello.alpn = new TextEncoder().encode("h2");
  hello.versions.push(0x6a6a, 0x0304, 0x0303);
  const suites = "9a9a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035";
  hello.suites.push(...list(suites));
  const types =
    "caca,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015";
  hello.extensions.push(...list(types));
  hello.signatures.push(...list("0403,0804,0401,0503,0805,0501,0806,0601"));
  return hello;
}

test("ja4 gives what its specification says of its example", () => {
  expect(ja4(example(), { carrier: "t" })).toBe("t13d1516h2_8daaf6152771_e5627efa2ab1");
});

test("ja4 says q for QUIC, i without server name, 00 without ALPN", () => {
  const hello = example();
  hello.hasName = false;
  hello.alpn = new Uint8Array(0);
  expect(ja4(hello, { carrier: "q" })).toStartWith("q13i151600_");
});

test("ja4 takes ALPN's ends from its hexadecimal form where they are no letters", () => {
  const hello = example();
  hello.alpn = Uint8Array.of(0xab, 0x41, 0xcd);
  expect(ja4(hello, { carrier: "t" }).slice(8, 10)).toBe("ad");
});

test("ja4 has zeros for hashes of nothing", () => {
  const hello = new Hello();
  hello.version = 0x0301;
  expect(ja4(hello, { carrier: "t" })).toBe("t10i000000_000000000000_000000000000");
});

test("ja3 gives what its description says of its example", () => {
  const hello = new Hello();
  hello.version = 769;
  hello.suites.push(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4);
  hello.extensions.push(0, 10, 11);
  hello.groups.push(23, 24, 25);
  hello.pointFormats.push(0);
  const suites = "47-53-5-10-49161-49162-49171-49172-50-56-19-4";
  expect(ja3Text(hello)).toBe(`769,${suites},0-10-11,23-24-25,0`);
  expect(Buffer.from(ja3(hello)).toString("hex")).toBe("ada70206e40642a3e4461f35503241d5");
});

test("Fingerprints gives what ja3 and ja4 give, whichever hello came before", () => {
  const fingerprints = new Fingerprints({ carrier: "t" });
  const others: ((hello: Hello) => void)[] = [
    () => {},
    (hello) => hello.suites.push(0x1303),
    (hello) => hello.extensions.push(0x1234),
    (hello) => hello.groups.push(29),
    (hello) => hello.pointFormats.push(1),
    (hello) => hello.signatures.push(0x0401),
    (hello) => hello.versions.push(0x0305),
    (hello) => (hello.version = 0x0301),
    (hello) => (hello.hasName = false),
    (hello) => (hello.alpn = new TextEncoder().encode("h3")),
    (hello) => (hello.suites[0] = 458_944),
  ];
  for (const _ of [1, 2])
    for (const change of others) {
      const hello = example();
      change(hello);
      expect(fingerprints.of(hello)).toEqual({
        ja3: ja3(hello),
        ja4: ja4(hello, { carrier: "t" }),
      });
    }
});

test("Fingerprints knows a client again that sends other GREASE", () => {
  const fingerprints = new Fingerprints({ carrier: "t" });
  const hello = example();
  const first = fingerprints.of(hello);
  hello.suites[0] = 0x1a1a;
  hello.extensions[0] = 0x2a2a;
  expect(fingerprints.of(hello)).toBe(first);
});
