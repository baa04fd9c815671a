// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { reserve } from "./memory.ts";

test.each([0, 1, 4096, (1 << 20) - 1, 1 << 20, (8 << 20) + 3])(
  "reserve gives %i zeroed bytes that can be written",
  (size) => {
    const bytes = new Uint8Array(reserve(size));
    expect(bytes).toHaveLength(size);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    if (size === 0) return;
    bytes[0] = 1;
    bytes[size - 1] = 2;
    expect([bytes[0], bytes.at(-1)]).toEqual([size === 1 ? 2 : 1, 2]);
  },
);

test("reserve gives each caller memory of its own", () => {
  const [first, second] = [new Uint8Array(reserve(1 << 20)), new Uint8Array(reserve(1 << 20))];
  first.fill(7);
  expect(second.every((byte) => byte === 0)).toBe(true);
});

const resident = (): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;

test.skipIf(process.platform !== "linux")(
  "reserve costs what is written, not what is asked for",
  () => {
    const before = resident();
    const bytes = new Uint8Array(reserve(512 << 20));
    bytes[256 << 20] = 1;
    expect(resident() - before).toBeLessThan(64 << 20);
    expect(bytes[256 << 20]).toBe(1);
  },
);

test("reserve tells when there is no such memory", () => {
  expect(() => reserve(2 ** 46)).toThrow(RangeError);
});
