// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Collected, ipfix, set, template } from "./testing/messages.ts";

const rawOf = (size: number): string =>
  String(
    new Collected({ layout: "string RAW_FIELDS" }).take(
      ipfix([
        set(
          2,
          template(256, [
            [7, 2],
            [8, size, 4711],
          ]),
        ),
        set(256, Buffer.alloc(2 + size, 0xab)),
      ]),
    ).rows[0]?.["RAW_FIELDS"],
  );

test("rawFields writes all fields of a record with their elements", () => {
  expect(rawOf(3)).toBe("e0id7=abab e4711id8=ababab");
});

test("rawFields leaves out what would make a record too long", () => {
  expect(rawOf(5000)).toBe("e0id7=abab");
});
