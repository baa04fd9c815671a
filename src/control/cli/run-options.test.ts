// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { defineModule, param } from "../../core/module.ts";
import haddrscan from "../../detectors/haddrscan.ts";
import { parseOptions } from "./run-options.ts";

const flagged = defineModule({
  name: "flagged",
  about: "Has a flag.",
  params: {
    learning: param.flag({ default: false, about: "Learns", flag: "l" }),
    level: param.ratio({ default: 0, min: -10, max: 10, about: "Level" }),
  },
  inputs: {},
  outputs: {},
  setup: () => ({}),
});

describe("parseOptions", () => {
  test("parseOptions reads names, values after =, and the original's letters", () => {
    const args = ["--packets-max", "3", "--idle-timeout=60", "-n", "20", "--compat", "nemea"];
    expect(parseOptions(haddrscan, args).params).toEqual({
      packetsMax: 3,
      idleTimeout: 60,
      addressesMax: 20,
      compat: "nemea",
    });
  });

  test("parseOptions reads and writes standard streams unless told otherwise", () => {
    const nothing = { params: {}, verbosity: 0 };
    expect(parseOptions(haddrscan, [])).toEqual({ ...nothing, input: "-", output: "-" });
    const plan = parseOptions(haddrscan, ["--in", "a.csv", "--out=b=c.csv"]);
    expect(plan).toEqual({ ...nothing, input: "a.csv", output: "b=c.csv" });
  });

  test("parseOptions reads interfaces as they stand, lateness, and how much is to be said", () => {
    const args = ["-i", "u:a,f:/tmp/b=c:w:time=5", "--lateness", "2.5", "-vv", "-n", "20"];
    const { interfaces, lateness, verbosity, params } = parseOptions(haddrscan, args);
    expect(interfaces).toBe("u:a,f:/tmp/b=c:w:time=5");
    expect([lateness, verbosity]).toEqual([2.5, 2]);
    expect(params).toEqual({ addressesMax: 20 });
  });

  test("parseOptions lets a flag stand alone or take a value", () => {
    const learning = (...args: string[]) => parseOptions(flagged, args).params["learning"];
    expect(learning("--learning")).toBe(true);
    expect(learning("-l", "--level", "1")).toBe(true);
    expect(learning("-l", "false")).toBe(false);
    expect(learning("--learning=off")).toBe(false);
  });

  test("parseOptions takes a value that begins with a hyphen", () => {
    expect(parseOptions(flagged, ["--level", "-5"]).params).toEqual({ level: -5 });
  });

  test.each([
    [["-x", "u:x"], "-x: haddrscan has no such option; it has --addresses-max (-n), "],
    [["-vvvv"], "-vvvv: haddrscan has no such option"],
    [["-i"], "-i: a value is missing"],
    [["--lateness", "soon"], '--lateness: expected seconds from 0 to 86400, got "soon"'],
    [["-undefined", "5"], "-undefined: haddrscan has no such option"],
    [["-", "5"], "-: haddrscan has no such option"],
    [["stray"], "stray: haddrscan has no such option"],
    [["--nix", "5"], '--nix: haddrscan has no parameter "nix"; it has addressesMax'],
    [["-n"], "-n: a value is missing"],
    [["--in"], "--in: a value is missing"],
    [["-n", "1"], '-n: expected whole number from 2 to 1024, got "1"'],
    [["--idle-timeout="], '--idle-timeout: expected seconds, 1 or more, got ""'],
  ])("parseOptions refuses %p", (args, message) => {
    expect(() => parseOptions(haddrscan, args)).toThrow(message);
  });
});
