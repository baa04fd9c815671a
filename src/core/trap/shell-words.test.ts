// SPDX-License-Identifier: BSD-3-Clause
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these braces are a shell's.
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, property } from "fast-check";
import { shellWords } from "./shell-words.ts";

const VARIABLES = { HOME: "/home/ann", NAME: "flows", TWO: "a b*", EMPTY: "", _X1: "\\*" };
const texts = (line: string): string[] => shellWords(line, VARIABLES).map(({ text }) => text);
const patterns = (line: string) => shellWords(line, VARIABLES).map(({ pattern }) => pattern);

describe("shellWords", () => {
  test.each([
    ["a b\t c", ["a", "b", "c"]],
    ["", []],
    ["  ", []],
    ["~ ~/x ~bob a~ \\~ '~'", ["/home/ann", "/home/ann/x", "~bob", "a~", "~", "~"]],
    ["$NAME.trap ${NAME}s $NAMES", ["flows.trap", "flowss"]],
    ["'a b' \"a $NAME\" a\\ b '$NAME'", ["a b", "a flows", "a b", "$NAME"]],
    ["'' $EMPTY \"\"", ["", ""]],
    ["$ $1 ${} a$", ["$", "$1", "${}", "a$"]],
    ['"\\$NAME \\a \\""', ['$NAME \\a "']],
    ["a\\", ["a\\"]],
    ["'open", ["open"]],
    ['"$NAME', ["flows"]],
    ["$TWO", ["a", "b*"]],
    ['"$TWO"', ["a b*"]],
  ])("reads %p", (line, words) => {
    expect(texts(line)).toEqual(words);
  });

  test("gives a pattern where a character without quotes matches others", () => {
    expect(patterns("a*b 'a*b' a\\*b a? [ab] $TWO")).toEqual([
      "a*b",
      undefined,
      undefined,
      "a?",
      "[ab]",
      undefined,
      "b*",
    ]);
  });

  test("escapes what stands for itself in a pattern", () => {
    expect(patterns("'*'* '[a'[b-c] $_X1")).toEqual(["\\**", "\\[a[b-c]", "\\\\*"]);
  });

  test("never throws, and loses no character that has no meaning", () => {
    const line = array(constantFrom(..."ab $'\"\\~*{}[]?N"), { maxLength: 30 });
    assert(
      property(line, (characters) => {
        const text = characters.join("");
        const kept = shellWords(text, {}).map((word) => word.text);
        const letters = (all: string): string => all.replace(/[^ab]/g, "");
        // Names of variables are the only letters that go.
        if (!text.includes("$")) expect(letters(kept.join(""))).toBe(letters(text));
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
