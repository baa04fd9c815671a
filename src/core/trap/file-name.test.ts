// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, describe, expect, test } from "bun:test";
import { checkPath, intervalStart, intervalSuffix, numberedPath, timedPath } from "./file-name.ts";

const ZONE = process.env["TZ"];
afterEach(() => {
  process.env["TZ"] = ZONE ?? "Etc/UTC";
});

const micros = (text: string): number => Date.parse(text) * 1000;

describe("timedPath", () => {
  test("fills in each conversion", () => {
    process.env["TZ"] = "Etc/UTC";
    expect(timedPath("%Y %y %m %d %j %H %M %S %%H x", micros("2026-03-04T05:06:07.9Z"))).toBe(
      "2026 26 03 04 063 05 06 07 %H x",
    );
  });

  test("counts days across the change of clocks, and to the end of a leap year", () => {
    process.env["TZ"] = "Europe/Prague";
    expect(timedPath("%j", micros("2026-01-01T00:00:00+01:00"))).toBe("001");
    expect(timedPath("%j", micros("2026-10-26T00:30:00+01:00"))).toBe("299");
    expect(timedPath("%j", micros("2024-12-31T23:59:59+01:00"))).toBe("366");
  });

  test("is in local time", () => {
    process.env["TZ"] = "Asia/Kathmandu";
    expect(intervalSuffix(micros("2026-11-23T20:20:00Z"))).toBe(".202611240205");
    process.env["TZ"] = "America/New_York";
    expect(intervalSuffix(micros("2026-11-23T20:20:00Z"))).toBe(".202611231520");
  });
});

describe("checkPath", () => {
  test.each(["a%Qb", "a%", "%-d", "%E"])("refuses %p and says what there is", (path) => {
    expect(() => checkPath(path, `f:${path}`)).toThrow(
      expect.objectContaining({
        code: "ERR_TRAP",
        exitCode: 64,
        message: expect.stringContaining("there are %Y"),
      }),
    );
  });

  test("takes paths with and without conversions", () => {
    checkPath("/var/%Y/%m%%/x.trap", "");
    checkPath("", "");
  });
});

test("intervalStart counts intervals since 1970, not since the hour", () => {
  const seven = intervalStart(micros("2026-11-24T02:05:59Z"), 7);
  expect(seven % (7 * 60e6)).toBe(0);
  expect(micros("2026-11-24T02:05:59Z") - seven).toBeLessThan(7 * 60e6);
  expect(intervalStart(micros("2026-11-24T02:05:59Z"), 5)).toBe(micros("2026-11-24T02:05:00Z"));
});

test("numberedPath pads to five digits", () => {
  expect([numberedPath("p", 0), numberedPath("p", 12_345)]).toEqual(["p.00000", "p.12345"]);
});
