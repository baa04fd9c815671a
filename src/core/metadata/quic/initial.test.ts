// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { zeros } from "../../packet/test-kit.ts";
import { LongHeader } from "./header.ts";
import { clientKeys, openInitial } from "./initial.ts";
import { hex, initial, TARGET, V1, V2 } from "./test-kit.ts";
import { versionOf } from "./versions.ts";

/** RFC 9001 appendix A.2: the CRYPTO frame, and the zeros that fill the packet. */
const FRAMES = [
  ...hex(
    `060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c0
    00000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000
    003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403
    050306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff08011001048000
    75300901100f088394c8f03e51570806048000ffff`.replaceAll(/\s/g, ""),
  ),
  ...zeros(917),
];

/** Version, keys, and of the packet its first and its last bytes: RFC 9001 appendix A and RFC 9369 appendix A. */
const VECTORS = [
  [
    V1,
    [
      "1f369613dd76d5467730efcbe3b1a22d",
      "fa044b2f42a3fd3b46fb255c",
      "9f50449e04a0e810283a1e9933adedd2",
    ],
    "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b",
    "e221af44860018ab0856972e194cd934",
  ],
  [
    V2,
    [
      "8b1a0bc121284290a29e0971b5cd045d",
      "91f73e2351d8fa91660e909f",
      "45b95e15235d6f45a6b19cbcb0294ba9",
    ],
    "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071",
    "a18b2faa745b6fe189cf772a9f84cbfc",
  ],
] as const;

const keysOf = (version: number) => clientKeys(versionOf(version)!, Uint8Array.from(TARGET));
const toHex = (bytes: ArrayLike<number>): string => Buffer.from(Array.from(bytes)).toString("hex");

/** The frames of a packet by the keys of a version. */
function open(packet: ArrayLike<number>, version: number): Uint8Array | undefined {
  const bytes = Uint8Array.from(packet);
  const header = new LongHeader();
  const bounds = { captured: bytes.length, end: bytes.length };
  if (!header.read(new DataView(bytes.buffer), 0, bounds)) return undefined;
  return openInitial(bytes, header, keysOf(version));
}

test("clientKeys gives the keys of RFC 9001 A.1 and RFC 9369 A.1", () => {
  for (const [version, keys] of VECTORS) {
    const { key, iv, hp } = keysOf(version);
    expect([key, iv, hp].map(toHex)).toEqual([...keys]);
  }
});

test("openInitial opens the client's packets of RFC 9001 A.2 and RFC 9369 A.2", () => {
  expect(FRAMES.length).toBe(1162);
  for (const [version, , start, tag] of VECTORS) {
    const packet = initial(FRAMES, { version, number: 2 });
    // The packet is the one of the RFC, in which frames of a kilobyte end with this tag.
    expect(toHex(packet)).toStartWith(start);
    expect(toHex(packet)).toEndWith(tag);
    expect(toHex(open(packet, version)!)).toBe(toHex(FRAMES));
  }
});

test("openInitial opens nothing of which a bit was changed", () => {
  const packet = initial([6, 0, 4, 1, 2, 3, 4, ...zeros(20)]);
  fc.assert(
    fc.property(fc.nat(packet.length - 1), fc.integer({ min: 0, max: 7 }), (at, bit) => {
      expect(open(packet, V1)).toBeDefined();
      expect(open(packet.with(at, packet[at]! ^ (1 << bit)), V1)).toBeUndefined();
    }),
    { numRuns: 200, seed: 9001 },
  );
});

test("openInitial opens nothing with another version's keys, nor a packet without room for a sample", () => {
  const packet = initial(zeros(20));
  expect(open(packet, V2)).toBeUndefined();
  const short = [0xc0, ...hex("00000001"), 8, ...TARGET, 0, 0, 19, ...zeros(19)];
  expect(open(short, V1)).toBeUndefined();
});
