// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { defineModule, type ParamOf, param } from "../core/module.ts";
import { template } from "../core/unirec/template.ts";
import { paramNamed, parseParam, parseSettings } from "./params.ts";

const def = defineModule({
  name: "sample",
  about: "A sample.",
  aliases: ["sample_detector"],
  params: {
    portsMax: param.count({ default: 50, min: 2, max: 1024, about: "Ports", flag: "p" }),
    idleTimeout: param.seconds({ default: 300, min: 1, about: "Idle" }),
    share: param.ratio({ default: 0.5, about: "Share" }),
    learning: param.flag({ default: false, about: "Learns" }),
    mode: param.choice({ options: ["fast", "exact"], default: "fast", about: "Mode" }),
    label: param.text({ default: "", about: "Label" }),
  },
  inputs: { flows: template("ipaddr SRC_IP") },
  outputs: {},
  setup: () => ({ flows: () => {} }),
});
const params = def.params as Readonly<Record<string, ParamOf<unknown>>>;

const GOOD: readonly [string, string, unknown][] = [
  ["portsMax", "2", 2],
  ["portsMax", "1024", 1024],
  ["idleTimeout", "1.5", 1.5],
  ["share", "0", 0],
  ["learning", "yes", true],
  ["learning", "OFF", false],
  ["mode", "exact", "exact"],
  ["label", "", ""],
];
const BAD: readonly [string, string, string][] = [
  ["portsMax", "1", "whole number from 2 to 1024"],
  ["portsMax", "1025", "whole number from 2 to 1024"],
  ["portsMax", "2.5", "whole number from 2 to 1024"],
  ["portsMax", "", "whole number from 2 to 1024"],
  ["portsMax", " ", "whole number from 2 to 1024"],
  ["portsMax", "many", "whole number from 2 to 1024"],
  ["portsMax", "Infinity", "whole number from 2 to 1024"],
  ["idleTimeout", "0", "seconds, 1 or more"],
  ["share", "1.01", "number from 0 to 1"],
  ["learning", "2", "true, false"],
  ["mode", "Exact", "fast, exact"],
];

describe("parseParam", () => {
  test.each(GOOD)("parseParam takes %s=%s", (name, text, value) => {
    expect(parseParam(params[name]!, text, "--x")).toBe(value);
  });

  test.each(BAD)("parseParam refuses %s=%p and says what it takes", (name, text, allowed) => {
    expect(() => parseParam(params[name]!, text, "--set sample.x")).toThrow(
      `--set sample.x: expected ${allowed}, got "${text}"`,
    );
  });
});

describe("paramNamed", () => {
  test("paramNamed takes a name as declared or dashed", () => {
    expect(paramNamed(def, "idleTimeout", "")).toBe("idleTimeout");
    expect(paramNamed(def, "idle-timeout", "")).toBe("idleTimeout");
  });

  test.each(["idletimeout", "constructor", "__proto__", ""])(
    "paramNamed refuses %p and lists the parameters",
    (name) => {
      expect(() => paramNamed(def, name, "--x")).toThrow(
        `--x: sample has no parameter "${name}"; it has portsMax, idleTimeout, share, learning, mode, label`,
      );
    },
  );
});

describe("parseSettings", () => {
  test("parseSettings gathers a module's settings, the last of a name counts", () => {
    const settings = ["sample.portsMax=3", "sample_detector.idle-timeout=9", "sample.portsMax=4"];
    expect(parseSettings(settings, [def])).toEqual(
      new Map([["sample", { portsMax: 4, idleTimeout: 9 }]]),
    );
  });

  test("parseSettings takes text with anything in it", () => {
    expect(parseSettings(["sample.label=a=b.c\nd"], [def]).get("sample")).toEqual({
      label: "a=b.c\nd",
    });
  });

  test.each([
    ["portsMax=3", "expected MODULE.param=value"],
    ["sample.portsMax", "expected MODULE.param=value"],
    ["other.portsMax=3", "no such module; running are sample"],
    ["sample.ports=3", 'no parameter "ports"'],
    ["sample.portsMax=x", "--set sample.portsMax: expected whole number from 2 to 1024"],
  ])("parseSettings refuses %s", (setting, message) => {
    expect(() => parseSettings([setting], [def])).toThrow(message);
  });
});
