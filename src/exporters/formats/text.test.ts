// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { assert, integer, property } from "fast-check";
import { hostileText, isOneLine, readable } from "./testing/alerts.ts";
import { clip, jsonLine, visible } from "./text.ts";

describe("jsonLine", () => {
  test("gives every text back, and what UTF-8 cannot carry as its replacement", () => {
    assert(
      property(hostileText, hostileText, (key, text) => {
        const line = jsonLine({ [`k${key}`]: [text] });
        expect(isOneLine(line)).toBe(true);
        expect(JSON.parse(line)).toEqual({ [`k${key}`.toWellFormed()]: [text.toWellFormed()] });
      }),
    );
  });

  test("leaves an escaped backslash before a name of a surrogate alone", () => {
    expect(jsonLine("\\ud800")).toBe('"\\\\ud800"');
    expect(jsonLine("\\\ud800")).toBe('"\\\\\ufffd"');
  });

  test("keeps big integers as numbers as far as a double holds them", () => {
    expect(jsonLine({ a: 2n ** 53n - 1n, b: 2n ** 53n, c: -(2n ** 64n) })).toBe(
      '{"a":9007199254740991,"b":"9007199254740992","c":"-18446744073709551616"}',
    );
  });

  test("writes bytes as hexadecimal text and lists of numbers as lists", () => {
    const bytes = new Uint8Array([0, 1, 171, 255]).subarray(1);
    expect(jsonLine([bytes, new Uint16Array([1, 65_535]), new BigUint64Array([1n])])).toBe(
      '["01abff",[1,65535],[1]]',
    );
  });

  test("has null for what is no value", () => {
    expect(jsonLine(undefined)).toBe("null");
    expect(jsonLine({ a: Number.NaN })).toBe('{"a":null}');
  });
});

test("visible shows control characters by their names", () => {
  expect(visible("a\n\u001b[2J\u0085\u2028\ud800")).toBe("a\\u000a\\u001b[2J\\u0085\\u2028\ufffd");
  assert(property(hostileText, (text) => expect(visible(text)).toBe(readable(text))));
});

test("clip never leaves half a character", () => {
  expect(clip("a😀b", 2)).toBe("a");
  expect(clip("a😀b", 3)).toBe("a😀");
  assert(
    property(hostileText, integer({ min: 1, max: 40 }), (text, max) => {
      const clean = text.toWellFormed();
      const short = clip(clean, max);
      expect(short.isWellFormed()).toBe(true);
      expect(clean.startsWith(short)).toBe(true);
      expect(short.length).toBeGreaterThanOrEqual(Math.min(clean.length, max - 1));
    }),
  );
});
