// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { parseIp } from "../unirec/ip.ts";
import type { IpField } from "../unirec/types.ts";
import { Networks } from "./networks.ts";

test("Networks hold what is in them and nothing else", () => {
  const networks = new Networks(
    "10.0.0.0/8, 172.16.0.0/12,192.0.2.128/25,203.0.113.7,fc00::/7,2001:db8:80::/41,2001:db9::/32",
    "module",
    "networks",
  );
  const has = (text: string): boolean => {
    const ip = parseIp(text)!;
    const isV4 = !text.includes(":");
    const v4 = isV4 ? text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) : 0;
    return networks.has({ ...ip, isV4, v4 } as IpField);
  };
  const inside = ["10.255.0.1", "172.31.9.9", "192.0.2.129", "203.0.113.7", "fd12::1"];
  const outside = ["11.0.0.1", "172.32.0.1", "192.0.2.1", "203.0.113.8", "fe80::1", "0.0.0.0"];
  for (const ip of [...inside, "2001:db8:ff::1", "2001:db9:1::1"])
    expect([ip, has(ip)]).toEqual([ip, true]);
  for (const ip of [...outside, "2001:db8:7f::1", "2001:dba::1"])
    expect([ip, has(ip)]).toEqual([ip, false]);
  expect(() => new Networks("10.0.0.1:443", "module", "x")).toThrow(
    'module: x: "10.0.0.1:443" is no address',
  );
  expect(() => new Networks("10.0.0.0/33", "module", "x")).toThrow(
    'module: x: "10.0.0.0/33" is no prefix',
  );
});
