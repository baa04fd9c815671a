// SPDX-License-Identifier: BSD-3-Clause
/** Scalars as text against plain functions that give strings: at borders, and for any value. */
import { describe, expect, test } from "bun:test";
import { assert, constantFrom, integer, property, tuple } from "fast-check";
import { ipText, macText, parseIp } from "./ip.ts";
import { any64, anyIp, anyTime } from "./test-kit.ts";
import { SLACK } from "./text-digits.ts";
import { SCALAR_TEXT, type ScalarText } from "./text-scalar.ts";
import { microsOfFraction, SECOND, timeText, writeTime } from "./time.ts";

const view = new DataView(new ArrayBuffer(16));
const out = new DataView(new ArrayBuffer(64));
const decoder = new TextDecoder();

/** The text of the value in `view`: from a place in the midst, in a buffer that ends {@link SLACK} behind it. */
function textOf(write: ScalarText): string {
  const from = 5;
  const end = write(out, from, view, 0);
  const whole = decoder.decode(new Uint8Array(out.buffer, from, end - from));
  const tight = new DataView(new ArrayBuffer(end - from + SLACK));
  expect(write(tight, 0, view, 0)).toBe(end - from);
  return whole;
}

const bitsOf = (value: bigint): void => view.setBigUint64(0, value, true);

/** Where a text grows or a table ends: powers of ten, multiples of a thousand and a million, powers of two. */
function* borders(): Generator<bigint> {
  for (let power = 1n; power < 2n ** 64n; power *= 10n) yield* [power - 1n, power, power + 1n];
  for (let power = 1n; power <= 2n ** 64n; power *= 2n) yield* [power - 1n, power, power + 1n];
  for (let k = 0n; k <= 1000n; k++) {
    for (const unit of [1000n, 1_000_000n, 1_000_000_000n, 2n ** 32n, 10n ** 16n])
      yield* [k * unit - 1n, k * unit, k * unit + 1n];
  }
  // The highest quotient by 10^9 whose product a double holds: half a unit of rounding from the next one.
  yield* [9_007_199_000_000_000n - 1n, 18_446_744_073_000_000_000n - 1n];
}

describe("SCALAR_TEXT", () => {
  // The first test, while no second is known.
  test("writes the first minutes of 1970, each second when it is new and when it is known", () => {
    for (let second = 0; second < 256; second++) {
      for (const micros of [0, 999_999]) {
        writeTime(view, 0, second * SECOND + micros);
        expect(textOf(SCALAR_TEXT.time)).toBe(timeText(second * SECOND + micros));
      }
    }
  });

  const INTEGERS = [8, 16, 32, 64].flatMap((bits) => [
    { type: `uint${bits}` as "uint64", kept: (value: bigint) => BigInt.asUintN(bits, value) },
    { type: `int${bits}` as "int64", kept: (value: bigint) => BigInt.asIntN(bits, value) },
  ]);

  test.each(INTEGERS)("writes the $type of every border", ({ type, kept }) => {
    for (const value of borders()) {
      for (const signed of [value, -value]) {
        bitsOf(BigInt.asUintN(64, signed));
        const text = textOf(SCALAR_TEXT[type]);
        if (text !== kept(signed).toString()) expect(text).toBe(kept(signed).toString());
      }
    }
  });

  test.each(INTEGERS)("writes the $type of any bits", ({ type, kept }) => {
    const sized = tuple(any64, integer({ min: 0, max: 63 }));
    assert(
      property(sized, ([raw, shift]) => {
        bitsOf(raw >> BigInt(shift));
        expect(textOf(SCALAR_TEXT[type])).toBe(kept(raw >> BigInt(shift)).toString());
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  const setGroups = (groups: readonly number[]): void => {
    for (const [i, group] of groups.entries()) view.setUint16(2 * i, group);
  };
  const expectedIp = (): string =>
    ipText({
      w0: view.getInt32(0, true),
      w1: view.getInt32(4, true),
      w2: view.getInt32(8, true),
      w3: view.getInt32(12, true),
    });

  test("writes an address with each pattern of zeros, and of the groups that make it IPv4", () => {
    for (const filling of [1, 0x0a, 0xff, 0x100, 0x0f0f, 0xffff]) {
      for (let mask = 0; mask < 256; mask++) {
        setGroups(Array.from({ length: 8 }, (_, i) => (mask & (1 << i) ? 0 : filling)));
        expect(textOf(SCALAR_TEXT.ipaddr)).toBe(expectedIp());
      }
    }
    for (const text of ["::", "::1", "::1:0", "::0.1.0.0", "::ffff:0.0.0.0", "::fffe:1:2"]) {
      const { w0 = 0, w1 = 0, w2 = 0, w3 = 0 } = parseIp(text) ?? {};
      for (const [i, word] of [w0, w1, w2, w3].entries()) view.setInt32(4 * i, word, true);
      expect(textOf(SCALAR_TEXT.ipaddr)).toBe(expectedIp());
    }
  });

  test("writes any address as ipText does", () => {
    const group = constantFrom(0, 0, 1, 0x7f, 0x80, 0xff, 0x100, 0xfff, 0xffff);
    assert(
      property(tuple(...new Array(8).fill(group)), anyIp, (groups, address) => {
        setGroups(groups as number[]);
        expect(textOf(SCALAR_TEXT.ipaddr)).toBe(expectedIp());
        const { w0 = 0, w1 = 0, w2 = 0, w3 = 0 } = parseIp(address) ?? {};
        for (const [i, word] of [w0, w1, w2, w3].entries()) view.setInt32(4 * i, word, true);
        expect(textOf(SCALAR_TEXT.ipaddr)).toBe(address);
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  test("writes any MAC address as macText does", () => {
    assert(
      property(integer({ min: 0, max: 2 ** 48 - 1 }), (mac) => {
        view.setUint16(0, Math.floor(mac / 2 ** 32));
        view.setUint32(2, mac % 2 ** 32);
        expect(textOf(SCALAR_TEXT.macaddr)).toBe(macText(mac));
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  test("writes any time as timeText does", () => {
    assert(
      property(anyTime, (micros) => {
        writeTime(view, 0, micros);
        expect(textOf(SCALAR_TEXT.time)).toBe(timeText(micros));
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  test("tells seconds apart that lie minutes, hours and days from one another", () => {
    for (let round = 0; round < 2; round++) {
      for (const apart of [0, 1, 64, 128, 3600, 86_400, 2 ** 31, 2 ** 32 - 1]) {
        writeTime(view, 0, apart * SECOND);
        expect(textOf(SCALAR_TEXT.time)).toBe(timeText(apart * SECOND));
      }
    }
  });

  test("writes the microseconds of every fraction round a whole one as microsOfFraction gives them", () => {
    view.setUint32(4, 0, true);
    for (let micros = 0; micros <= SECOND; micros += micros < 999_900 ? 97 : 1) {
      const first = Math.ceil(((micros - 0.001) * 2 ** 32) / 1e6);
      for (const fraction of [first - 1, first, first + 1]) {
        if (fraction < 0 || fraction >= 2 ** 32) continue;
        view.setUint32(0, fraction, true);
        const expected = `${microsOfFraction(fraction)}`.padStart(6, "0").slice(-6);
        const text = textOf(SCALAR_TEXT.time).slice(20);
        if (text !== expected) expect(`${fraction}: ${text}`).toBe(`${fraction}: ${expected}`);
      }
    }
  });
});
