// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { defineModule, param } from "../core/module.ts";
import { template, uniflow } from "../core/unirec/template.ts";
import { dashed, help, page, schema } from "./derive.ts";

const def = defineModule({
  name: "sample",
  about: "A sample.",
  details: "\n**Finds** nothing.\n",
  replaces: "sample_detector",
  rules: {
    found: {
      id: 9_000_999,
      title: "Something",
      category: "Other",
      severity: 3,
      confidence: 0.5,
      techniques: ["T1046", "T1595"],
    },
  },
  params: {
    portsMax: param.count({ default: 50, min: 2, max: 1024, about: "Ports", flag: "p" }),
    idleTimeout: param.seconds({ default: 300, min: 1, about: "Idle" }),
    learning: param.flag({ default: false, about: "Learns" }),
    mode: param.choice({ options: ["fast", "exact"], default: "fast", about: "Mode" }),
  },
  inputs: { flows: uniflow("ipaddr SRC_IP, ?uint8 TTL") },
  outputs: { alerts: template("ipaddr SRC_IP") },
  setup: () => ({ flows: () => {} }),
});

const bare = defineModule({
  name: "bare",
  about: "Has nothing.",
  params: {},
  inputs: { flows: template("ipaddr SRC_IP") },
  outputs: {},
  setup: () => ({ flows: () => {} }),
});

test("dashed makes an option of a parameter's name", () => {
  expect(["portsMax", "a", "idleTimeoutMax"].map(dashed)).toEqual([
    "ports-max",
    "a",
    "idle-timeout-max",
  ]);
});

describe("help", () => {
  test("help says what a module does, its parameters with letters, bounds and defaults, its ports", () => {
    expect(help(def)).toBe(`sample: A sample.
Stands in for NEMEA's sample_detector.

Finds nothing.

Parameters:
  -p, --ports-max <count>       Ports; whole number from 2 to 1024; default 50
      --idle-timeout <seconds>  Idle; seconds, 1 or more; default 300
      --learning <flag>         Learns; true, false; default false
      --mode <choice>           Mode; fast, exact; default fast

Input flows (uniflow): ${def.inputs.flows.spec}
Output alerts: ${def.outputs.alerts.spec}
`);
  });

  test("help of a module without parameters and outputs has no such parts", () => {
    expect(help(bare)).toBe("bare: Has nothing.\n\nInput flows: ipaddr SRC_IP\n");
  });
});

test("page has tables of parameters and rules and lists each port's fields", () => {
  const text = page(def);
  expect(text).toStartWith("# sample\n\nA sample.\n");
  expect(text).toContain("| `portsMax` (`-p`) | 50 | whole number from 2 to 1024 | Ports |");
  expect(text).toContain("| `found` | 9000999 | Something | Other | 3 | 0.5 | T1046, T1595 |");
  expect(text).toContain("## Input `flows` (uniflow)");
  expect(text).toContain("- `uint8 TTL`, optional");
  expect(text).toEndWith("- `ipaddr SRC_IP`\n");
});

test("schema describes the parameters and takes no others", () => {
  expect(schema(def)).toEqual({
    type: "object",
    title: "sample",
    description: "A sample.",
    additionalProperties: false,
    properties: {
      portsMax: { type: "integer", minimum: 2, maximum: 1024, default: 50, description: "Ports" },
      idleTimeout: { type: "number", minimum: 1, default: 300, description: "Idle" },
      learning: { type: "boolean", default: false, description: "Learns" },
      mode: { enum: ["fast", "exact"], default: "fast", description: "Mode" },
    },
  });
});
