// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { assert, property } from "fast-check";
import { LINE_MAX } from "./bounded.ts";
import { FORMATS, type FormatName } from "./formats.ts";
import {
  ALERT,
  alertOf,
  anyAlert,
  hostileText,
  isOneLine,
  longText,
  PLACE,
} from "./testing/alerts.ts";

const NAMES = Object.keys(FORMATS) as FormatName[];
const flow = (text: string): Record<string, unknown> => ({ SRC_IP: "192.0.2.9", HTTP_URL: text });
/** 20 flows of 4 kB: too many for any format. */
const HEAVY = alertOf({ evidence: Array.from({ length: 20 }, () => flow("u".repeat(4000))) });

describe.each(NAMES)("%s", (name) => {
  const lineOf = FORMATS[name];

  test("is one line without control characters, whatever the strings hold", () => {
    assert(
      property(anyAlert(hostileText), (alert) => {
        expect(isOneLine(lineOf(alert, PLACE))).toBe(true);
      }),
    );
  });

  test("is one line within the bound, however long the strings are", () => {
    const held = (text: string): boolean => isOneLine(text) && Buffer.byteLength(text) <= LINE_MAX;
    assert(
      property(anyAlert(longText), longText, (alert, host) => {
        expect(held(lineOf(alert, { host, version: host }))).toBe(true);
      }),
      { numRuns: 30 },
    );
  }, 30_000);

  test("is within the bound with every string as long as can be", () => {
    const text = "\0".repeat(LINE_MAX);
    const worst = alertOf({
      id: text,
      key: text,
      detector: text,
      version: text,
      title: text,
      category: text,
      techniques: Array.from({ length: 2000 }, () => "\0".repeat(64)),
      source: { ip: text },
      target: { ip: text },
      reason: text,
      evidence: Array.from({ length: 20 }, () => flow(text)),
      sensor: text,
      interface: text,
    });
    const line = lineOf(worst, { host: text, version: text });
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(LINE_MAX);
    expect(line.toLowerCase()).toContain("text");
  });

  test("cuts evidence before text, and says so", () => {
    const line = lineOf(HEAVY, PLACE);
    expect(line).toContain(HEAVY.reason);
    expect(line.toLowerCase()).toMatch(/cut\W+(cs6=)?evidence\b(?!\W*text)/);
    expect(lineOf(ALERT, PLACE).toLowerCase()).not.toContain("cut");
  });

  test("has the same text for the same alert", () => {
    expect(lineOf(structuredClone(ALERT), PLACE)).toBe(lineOf(ALERT, PLACE));
  });
});
