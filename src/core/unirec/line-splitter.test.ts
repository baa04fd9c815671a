// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property } from "fast-check";
import { LINE_MAX, LineSplitter } from "./line-splitter.ts";

/** Lines of a text that comes in chunks, cut at the given places. */
function linesOf(text: string, cuts: readonly number[] = [], lineMax?: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((bytes, from, to) => {
    lines.push(new TextDecoder().decode(bytes.slice(from, to)));
  }, lineMax);
  const bytes = new TextEncoder().encode(text);
  const chunk = new Uint8Array(bytes.length);
  const places = [0, ...cuts.filter((cut) => cut < bytes.length), bytes.length].sort(
    (a, b) => a - b,
  );
  for (let i = 1; i < places.length; i++) {
    // One buffer for all chunks, as a reader of files has it.
    const part = bytes.subarray(places[i - 1], places[i]);
    chunk.fill(88).set(part);
    splitter.push(chunk.subarray(0, part.length));
  }
  splitter.end();
  return lines;
}

describe("LineSplitter", () => {
  test("LineSplitter gives lines without their ends, the last one with or without", () => {
    expect(linesOf("a\nb\n\nc\n")).toEqual(["a", "b", "", "c"]);
    expect(linesOf("a\nb")).toEqual(["a", "b"]);
    expect(linesOf("")).toEqual([]);
    expect(linesOf("\n")).toEqual([""]);
  });

  test("LineSplitter gives the same lines however the bytes are cut", () => {
    const text = array(constantFrom("a", "é", "\n", "\r", "bcdefgh"), { maxLength: 40 });
    assert(
      property(text, array(integer({ min: 0, max: 80 })), (parts, cuts) => {
        const whole = parts.join("");
        const lines = whole.split("\n");
        if (lines.at(-1) === "") lines.pop();
        expect(linesOf(whole, cuts)).toEqual(lines);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("LineSplitter bounds a line without end, in a chunk and across chunks", () => {
    const text = `${"x".repeat(25)}\nab\n`;
    for (const cuts of [[], [3], [10, 20], [7, 14, 25], [26]]) {
      expect(linesOf(text, cuts, 10)).toEqual(["x".repeat(10), "x".repeat(10), "xxxxx", "ab"]);
    }
  });

  test("LineSplitter joins a long line of many chunks", () => {
    const long = "0123456789".repeat((LINE_MAX - 10) / 10);
    const cuts = Array.from({ length: 40 }, (_, i) => i * 30_000);
    expect(linesOf(`${long}\nb`, cuts)).toEqual([long, "b"]);
  });

  test("LineSplitter takes the next line after a handler that threw", () => {
    const lines: number[] = [];
    const splitter = new LineSplitter((_bytes, from, to) => {
      lines.push(to - from);
      if (to - from === 3) throw new Error("three");
    });
    splitter.push(new TextEncoder().encode("ab"));
    expect(() => splitter.push(new TextEncoder().encode("c\nlost"))).toThrow("three");
    splitter.push(new TextEncoder().encode("d\n"));
    expect(lines).toEqual([3, 1]);
  });
});
