// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { type Reach, refusal } from "./guard.ts";

const status = (host: string, reach: Reach): number | undefined =>
  refusal(new Request("https://127.0.0.1/", { headers: { host } }), reach)?.status;

test.each(["0.0.0.0", "::"])("listening on %s, it answers to whichever address it has", (all) => {
  const reach = { hosts: ["tap.example", all], secure: true };
  for (const host of [
    "192.0.2.7",
    "192.0.2.7:443",
    "[2001:db8::7]",
    "[2001:db8::7]:8443",
    "tap.example",
  ])
    expect([host, status(host, reach)]).toEqual([host, undefined]);
  for (const host of [
    "evil.example",
    "192.0.2.7.evil.example",
    "192.0.2",
    "[2001:db8::7].evil.example",
  ])
    expect([host, status(host, reach)]).toEqual([host, 403]);
});

test("listening on one address, it answers to no other", () => {
  const reach = { hosts: ["192.0.2.7"], secure: true };
  expect(status("192.0.2.7", reach)).toBeUndefined();
  expect(status("192.0.2.8", reach)).toBe(403);
});
