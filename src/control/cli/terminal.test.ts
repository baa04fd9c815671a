// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import type { Alert } from "../../core/alert.ts";
import { alertOf } from "../store/testing/alerts.ts";
import { alertLine, grouped, severityName } from "./terminal.ts";

const alert = (more: Partial<Alert> = {}): Alert => alertOf({ detector: "vportscan", ...more });

describe("alertLine", () => {
  test("alertLine tells when, how bad, who, whom, why and in which state", () => {
    const line = alertLine(
      alert({
        lastTime: 1_700_000_000_500_000,
        severity: 5,
        source: { ip: "10.0.0.1" },
        target: { ip: "2001:db8::1", port: 443 },
        reason: "because",
        update: 3,
        state: "open",
      }),
      false,
    );
    expect(line).toBe(
      "2023-11-14T22:13:20Z  MEDIUM   vportscan    10.0.0.1 -> [2001:db8::1]:443  because [open, update 3]",
    );
  });

  test.each([
    [{ ip: "10.0.0.1", port: 80 }, "10.0.0.1:80"],
    [{ ip: "10.0.0.1", port: 0 }, "10.0.0.1"],
    [{ count: 266, port: 443 }, "266 hosts:443"],
    [{ count: 266 }, "266 hosts"],
    [{}, "?"],
  ])("alertLine writes the endpoint %j as %s", (target, text) => {
    expect(alertLine(alert({ target }), false)).toContain(`-> ${text}  `);
  });

  test("alertLine colors the severity only, and only when asked", () => {
    expect(alertLine(alert({ severity: 9 }), true)).toContain("\u001b[35mCRITICAL\u001b[0m ");
    expect(alertLine(alert({ severity: 9 }), false)).not.toContain("\u001b");
  });

  test("alertLine lets nothing from the wire move the cursor", () => {
    const evil = "\u001b]0;owned\u0007\r\n\u009b2J\u202etxet\u2028";
    const line = alertLine(alert({ reason: evil, detector: evil, source: { ip: evil } }), false);
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(line).toContain("\\x1b]0;owned\\x07\\x0d\\x0a\\x9b2J\\x202etxet\\x2028");
  });
});

test.each([
  [0, "info"],
  [0.9, "info"],
  [1, "low"],
  [3.9, "low"],
  [4, "medium"],
  [6.9, "medium"],
  [7, "high"],
  [8.9, "high"],
  [9, "critical"],
  [10, "critical"],
] as const)("severityName of %d is %s", (severity, name) => {
  expect(severityName(severity)).toBe(name);
});

test("grouped rounds and groups by thousands", () => {
  expect([0, 999, 1234567.6].map(grouped)).toEqual(["0", "999", "1,234,568"]);
});
