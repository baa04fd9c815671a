// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { UrlKey } from "./url-key.ts";

const key = new UrlKey();
const made = (): string => Buffer.from(key.bytes.subarray(0, key.length)).toString();
/** The key of a list's line. */
const ofText = (text: string): string | undefined => (key.ofText(text) ? made() : undefined);
/** The key of a request. */
function ofRequest(host: string, target: string): string | undefined {
  const bytes = Buffer.from(`<${host}${target}>`);
  const middle = 1 + Buffer.byteLength(host);
  const field = { bytes, from: 1, to: middle };
  return key.host(field, { bytes, from: middle, to: bytes.length - 1 }) && key.path()
    ? made()
    : undefined;
}

describe("UrlKey", () => {
  test.each([
    ["http://evil.example/", "evil.example"],
    ["evil.example", "evil.example"],
    ["HTTPS://WWW.Evil.Example.:443/A//", "evil.example/a/"],
    ["http://user:pass@evil.example:8080/x", "evil.example:8080/x"],
    ["http://evil.example/a/./b/../c?Q=1#top", "evil.example/a/c?q=1"],
    ["http://evil.example/../../x", "evil.example/x"],
    ["http://evil.example/..", "evil.example"],
    ["http://evil.example/.../a.", "evil.example/.../a."],
    ["http://evil.example/%61%2fb%C3%a9/é", "evil.example/a%2fb%c3%a9/%c3%a9"],
    ["http://evil.example/x%", "evil.example/x%"],
    ["http://evil.example?", "evil.example"],
    ["http://evil.example/a/?q", "evil.example/a?q"],
    ["http://192.0.2.1:81/x.sh", "192.0.2.1:81/x.sh"],
    ["http://[2001:DB8::1]:8080/x", "[2001:db8::1]:8080/x"],
    ["http://[2001:db8::1]/x", "[2001:db8::1]/x"],
  ])("UrlKey of the line %s is %s", (text, expected) => {
    expect(ofText(text)).toBe(expected);
  });

  test.each([
    "",
    "http://",
    "localhost/x",
    "a b.example/x",
    "http://é.example/",
    "/path",
    "x",
    "a..b/x",
  ])("UrlKey takes the line %p for no URL", (text) => {
    expect(ofText(text)).toBeUndefined();
  });

  test.each([
    ["evil.example", "/", "evil.example"],
    ["Evil.Example:80", "/a", "evil.example/a"],
    ["evil.example:8080", "/a", "evil.example:8080/a"],
    ["WWW.evil.example.", "/a/", "evil.example/a"],
    ["proxy.example", "http://evil.example/a", "evil.example/a"],
    ["", "HTTP://evil.example:80?x", "evil.example?x"],
    ["evil.example:443", "evil.example:443", "evil.example"],
    ["evil.example", "*", "evil.example"],
    ["evil.example", "", "evil.example"],
    ["evil.example", "/lo%67in/%2e%2e/x", "evil.example/x"],
  ])("UrlKey of a request to %p for %p is %s", (host, target, expected) => {
    expect(ofRequest(host, target)).toBe(expected);
  });

  test("UrlKey has none of a request without a host, and of one that is too long", () => {
    expect(ofRequest("", "/x")).toBeUndefined();
    expect(ofRequest("www.", "/x")).toBe("www/x");
    expect(ofRequest("a".repeat(400), "/x")).toBeUndefined();
    expect(ofRequest("evil.example", `/${"a".repeat(5000)}`)).toBeUndefined();
  });

  test("UrlKey knows the part without the query, also where that is too long", () => {
    expect(ofRequest("evil.example", "/a?b=c")).toBe("evil.example/a?b=c");
    expect(key.pathLength).toBe("evil.example/a".length);
    ofRequest("evil.example", `/a?${"é".repeat(5000)}`);
    expect([key.pathLength, key.length <= key.bytes.length]).toEqual([14, true]);
  });

  test("UrlKey of a line is that of the request for it", () => {
    const path = fc.stringMatching(/^[a-zA-Z0-9._~%/-]{0,12}$/);
    fc.assert(
      fc.property(path, path, (first, second) => {
        const target = `/${first}/${second}`;
        expect(ofText(`http://evil.example${target}`)).toBe(ofRequest("evil.example", target)!);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  test("UrlKey stays within its memory, whatever comes", () => {
    const bytes = fc.uint8Array({ minLength: 0, maxLength: 9000 });
    fc.assert(
      fc.property(bytes, fc.nat(300), (data, host) => {
        const length = Math.min(host, data.length);
        const target = { bytes: data, from: length, to: data.length };
        if (key.host({ bytes: data, from: 0, to: length }, target)) key.path();
        expect(key.length).toBeLessThanOrEqual(key.bytes.length);
        expect(key.pathLength).toBeGreaterThanOrEqual(0);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
