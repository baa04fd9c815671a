// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { Address } from "../../core/unirec/ip.ts";
import { addressesBehind, addressesOf, hashOf, raise, SKETCH, setBit } from "./addresses.ts";

const hash = (i: number): number => hashOf(new Address().setV4(0x0a000000 + i));

/** How many addresses linear counting sees of so many. */
function counted(addresses: number, from = 0): number {
  const words = new Int32Array(SKETCH * 2);
  let bits = 0;
  for (let i = from; i < from + addresses; i++) if (setBit(words, 0, hash(i))) bits++;
  return addressesOf(bits);
}

describe("linear counting", () => {
  test("linear counting is exact for a few and near the truth at the limit of scans", () => {
    expect(counted(1)).toBe(1);
    expect(counted(4)).toBe(4);
    const errors = Array.from({ length: 50 }, (_, i) => counted(200, i * 1000) / 200 - 1);
    const spread = Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
    expect(spread).toBeLessThan(0.05);
  });

  test("linear counting counts an address once", () => {
    const words = new Int32Array(SKETCH * 2);
    expect(setBit(words, 0, hash(1))).toBe(true);
    expect(setBit(words, 0, hash(1))).toBe(false);
  });

  test("linear counting ends where all bits are set, and writes nowhere else", () => {
    expect(counted(100_000)).toBe(3194);
    const words = new Int32Array(SKETCH * 2 + 2);
    for (let i = 0; i < 100_000; i++) setBit(words, 1, hash(i));
    expect([words[0], words.at(-1)]).toEqual([0, 0]);
  });
});

describe("HyperLogLog among a host's numbers", () => {
  test("HyperLogLog among a host's numbers is within its error, from one to many, and writes nowhere else", () => {
    for (const addresses of [1, 10, 100, 10_000, 300_000]) {
      const bytes = new Uint8Array(SKETCH * 8 + 2);
      for (let i = 0; i < addresses; i++) raise(bytes, 1, hash(i));
      expect(Math.abs(addressesBehind(bytes, 1) / addresses - 1)).toBeLessThan(0.4);
      expect([bytes[0], bytes.at(-1)]).toEqual([0, 0]);
    }
    expect(addressesBehind(new Uint8Array(SKETCH * 8), 0)).toBe(0);
  });
});
