// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, property, string } from "fast-check";
import { CLEAR_COOKIE, COOKIE_NAME, readCookie, setCookie } from "./cookie.ts";
import { newSecret } from "./secrets.ts";

test("setCookie writes what a __Host- cookie has to be", () => {
  const token = newSecret();
  const [pair, ...attributes] = setCookie(token).split("; ");
  expect(pair).toBe(`__Host-nemean=${token}`);
  expect(attributes.sort()).toEqual(["HttpOnly", "Path=/", "SameSite=Strict", "Secure"]);
  expect(CLEAR_COOKIE).toStartWith("__Host-nemean=; Path=/; Secure;");
  expect(CLEAR_COOKIE).toEndWith("; Max-Age=0");
});

test.each<[string | null, string | undefined]>([
  [null, undefined],
  ["", undefined],
  ["__Host-nemean=abc", "abc"],
  ["a=b; __Host-nemean=abc; c=d", "abc"],
  ["a=b;__Host-nemean=abc", "abc"],
  ["__Host-nemean=abc; __Host-nemean=def", undefined],
  ["__host-nemean=abc", undefined],
  ["x__Host-nemean=abc", undefined],
  ["__Host-nemean", undefined],
  ["__proto__=abc; constructor=def", undefined],
  [`a=${"x".repeat(9000)}; __Host-nemean=abc`, undefined],
])("readCookie of %j is %p", (header, token) => {
  expect(readCookie(header)).toBe(token);
});

test("readCookie takes any text", () => {
  assert(
    property(string({ unit: "binary" }), (text) => {
      expect(readCookie(text)).toBeUndefined();
      expect(readCookie(`${COOKIE_NAME}=abc; x=${text.replaceAll(";", "")}`)).toBe("abc");
    }),
    { seed: 6 },
  );
});
