// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { isLinkLocal } from "./addresses.ts";

describe("isLinkLocal", () => {
  test.each([
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "192.0.0.192",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "febf:ffff::1",
    "fe80::1%eth0",
    "[fe80::1]",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "::a9fe:a9fe",
    "64:ff9b::169.254.169.254",
    "2002:a9fe:a9fe::1",
    "fd00:ec2::254",
    "fd20:ce::254",
  ])("knows %s", (address) => {
    expect(isLinkLocal(address)).toBe(true);
  });

  test.each([
    "169.253.255.255",
    "169.255.0.0",
    "192.0.0.193",
    "100.100.100.201",
    "127.0.0.1",
    "10.0.0.1",
    "::1",
    "fec0::1",
    "fd00:ec2::253",
    "64:ff9b::10.0.0.1",
    "2002:a9ff::1",
    "2001:db8::a9fe:a9fe",
    "hooks.example",
    "",
  ])("lets %j be", (address) => {
    expect(isLinkLocal(address)).toBe(false);
  });
});
