// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { Command } from "commander";
import { METER_DEFAULTS } from "../../core/flow/meter.ts";
import {
  type MeterFlags,
  meterOptions,
  meterOptionsOf,
  names,
  numberIn,
  oneStandardOutput,
} from "./options.ts";

describe("numberIn", () => {
  const port = numberIn({ min: 0, max: 65_535, unit: "a port", whole: true });
  test.each(["0", "65535", " 80 "])("numberIn takes %p", (text) => {
    expect(port(text)).toBe(Number(text));
  });
  test.each(["", " ", "-1", "65536", "1.5", "http", "NaN", "Infinity", "1e9"])(
    "numberIn refuses %p and names unit and bounds",
    (text) => {
      expect(() => port(text)).toThrow("Expected a port from 0 to 65535.");
    },
  );
});

test("names splits at commas and drops what is empty", () => {
  expect(names(" a, b,,c ")).toEqual(["a", "b", "c"]);
  expect(names("")).toEqual([]);
});

describe("meterOptions", () => {
  const parsed = (...args: string[]) =>
    meterOptionsOf(meterOptions(new Command()).parse(args, { from: "user" }).opts<MeterFlags>());

  test("meterOptions without arguments are the meter's own defaults", () => {
    const { active, idle, flowsMax } = METER_DEFAULTS;
    expect(parsed()).toEqual({ active, idle, flowsMax, vlanInKey: true, tunnels: true });
  });

  test("meterOptions reach the meter", () => {
    const args = [
      "--active",
      "60",
      "--idle",
      "5",
      "--linger",
      "0",
      "--brief",
      "3",
      "--max-flows",
      "16",
    ];
    expect(parsed(...args, "--key", "5tuple", "--link-bit", "63", "--no-tunnels")).toEqual({
      active: 60,
      idle: 5,
      linger: 0,
      brief: 3,
      flowsMax: 16,
      link: 63,
      vlanInKey: false,
      tunnels: false,
    });
  });
});

describe("oneStandardOutput", () => {
  test("oneStandardOutput lets one output use it", () => {
    expect(() => oneStandardOutput({ "--csv -": true, "--stats": false })).not.toThrow();
    expect(() => oneStandardOutput({})).not.toThrow();
  });

  test("oneStandardOutput names the two that would mix", () => {
    expect(() => oneStandardOutput({ "--csv -": true, "--stats": true })).toThrow(
      "--csv - and --stats both write to standard output",
    );
  });
});
