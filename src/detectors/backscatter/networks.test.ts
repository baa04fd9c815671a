// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { parseIp } from "../../core/unirec/ip.ts";
import { Networks } from "./networks.ts";

describe("Networks", () => {
  const has = (text: string, ip: string): boolean => new Networks(text).has(parseIp(ip)!);

  test("Networks holds what its prefixes hold, of any length", () => {
    for (const [prefix, inside, outside] of [
      ["192.0.2.0/24", "192.0.2.255", "192.0.3.0"],
      ["192.0.2.77/20", "192.0.0.1", "192.0.16.0"],
      ["192.0.2.1", "192.0.2.1", "192.0.2.0"],
      ["2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"],
      ["2001:db8::/45", "2001:db8:7::", "2001:db8:8::"],
      ["2001:db8::1/128", "2001:db8::1", "2001:db8::"],
      ["128.0.0.0/1", "255.0.0.1", "127.0.0.1"],
    ] as const) {
      expect([prefix, has(prefix, inside), has(prefix, outside)]).toEqual([prefix, true, false]);
    }
    expect(has("0.0.0.0/0", "203.0.113.9")).toBe(true);
    expect(has("0.0.0.0/0", "2001:db8::1")).toBe(false);
    expect(has("192.0.2.0/24,198.51.100.0/24\n2001:db8::/32", "198.51.100.7")).toBe(true);
  });

  test("Networks is empty for no text, and refuses what is no prefix", () => {
    expect([new Networks(" ").isEmpty, new Networks("192.0.2.0/24").isEmpty]).toEqual([
      true,
      false,
    ]);
    for (const text of [
      "192.0.2.0/33",
      "2001:db8::/129",
      "192.0.2/24",
      "example.org",
      "1.2.3.4/-1",
    ])
      expect(() => new Networks(text)).toThrow(JSON.stringify(text));
    expect(() => new Networks("192.0.2.1 ".repeat(65))).toThrow("the most are 64");
  });
});
