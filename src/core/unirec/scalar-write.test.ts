// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, integer, property } from "fast-check";
import { write64, writeMac, writeMicros } from "./scalar-write.ts";
import { any64, anyTime } from "./test-kit.ts";
import { fractionOfMicros, writeTime } from "./time.ts";

const view = new DataView(new ArrayBuffer(8));

test("writeMicros has the fraction of every microsecond of a second", () => {
  let wrong = 0;
  for (let micros = 0; micros < 1e6; micros++) {
    writeMicros(view, 0, micros);
    if (view.getUint32(0, true) !== fractionOfMicros(micros)) wrong++;
  }
  expect(wrong).toBe(0);
});

test("writeMicros writes times as writeTime does", () => {
  const other = new DataView(new ArrayBuffer(8));
  assert(
    property(anyTime, (micros) => {
      writeMicros(view, 0, micros);
      writeTime(other, 0, micros);
      expect(view.getBigUint64(0)).toBe(other.getBigUint64(0));
    }),
    { seed: 1, numRuns: 200, examples: [[0], [2 ** 32 * 1e6 - 1], [2 ** 31 * 1e6]] },
  );
});

test("write64 writes whole numbers of up to 53 bits exactly", () => {
  assert(
    property(any64, (raw) => {
      const value = BigInt.asIntN(54, raw);
      write64(view, 0, Number(value));
      expect(view.getBigInt64(0, true)).toBe(value);
    }),
    { seed: 2, numRuns: 200 },
  );
});

test("writeMac writes 48 bits in network order and nothing behind them", () => {
  assert(
    property(integer({ min: 0, max: 2 ** 48 - 1 }), (mac) => {
      view.setUint16(6, 0xabcd);
      writeMac(view, 0, mac);
      expect(view.getBigUint64(0)).toBe((BigInt(mac) << 16n) | 0xabcdn);
    }),
    { seed: 3, numRuns: 200, examples: [[0xffff_ffff_ffff], [0x8000_8000_0000]] },
  );
});
