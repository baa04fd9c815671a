// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PROTOCOLS } from "../core/metadata/protocols.ts";
import {
  flowsTemplates,
  forModules,
  meterWith,
  type PluginPlan,
  parsePlugins,
  pluginList,
  portNames,
  withModules,
} from "./plugins.ts";

describe("PROTOCOLS", () => {
  const names = PROTOCOLS.map(({ name }) => name);

  test("PROTOCOLS has each file of the folder, in order, each name once", () => {
    const files = readdirSync(join(import.meta.dir, "../core/metadata/protocols"))
      .filter((file) => /^[a-z0-9]+\.ts$/.test(file))
      .map((file) => file.slice(0, -".ts".length));
    expect(files.toSorted()).toEqual(names.toSorted());
    expect(names).toEqual(names.toSorted());
    expect(new Set(names).size).toBe(names.length);
  });

  test("PROTOCOLS give a field of one name the same type, so that they can share an output", () => {
    expect(() => flowsTemplates({ groups: [names], compat: false })).not.toThrow();
  });
});

describe("parsePlugins", () => {
  test("parsePlugins reads names in any case, each once", () => {
    expect(parsePlugins("VLAN, vlan")).toEqual([["vlan"]]);
  });

  test("parsePlugins knows all, default and none", () => {
    expect(parsePlugins(" None")).toEqual([]);
    expect(parsePlugins("all")).toEqual([PROTOCOLS.map(({ name }) => name)]);
    expect(parsePlugins("default")).toEqual([
      PROTOCOLS.filter(({ byDefault }) => byDefault).map(({ name }) => name),
    ]);
  });

  test("parsePlugins makes an output of each pair of parentheses, and of each name beside them", () => {
    expect(parsePlugins("(vlan, HTTP,vlan),tls ,(sip)")).toEqual([
      ["vlan", "http"],
      ["tls"],
      ["sip"],
    ]);
    expect(parsePlugins("(vlan),vlan")).toEqual([["vlan"], ["vlan"]]);
  });

  test.each([
    ["", /no plugin; there are .*vlan/],
    [" , ", /no plugin; there are/],
    ["()", /no plugin; there are/],
    ["(vlan", /write groups as/],
    ["vlan)", /write groups as/],
    ["((vlan),http)", /write groups as/],
    ["(vlan)http", /write groups as/],
    ["vlan,nix", /no plugin "nix"; there are .*vlan.*, all, default, none/],
  ])("parsePlugins refuses %p", (text, why) => {
    expect(() => parsePlugins(text)).toThrow(why);
  });
});

test("meterWith gives flows the fields of its plugins beside the basic ones", () => {
  const { meter, flows } = meterWith({}, { groups: [["vlan"]], compat: false });
  expect(flows).toHaveLength(1);
  expect(flows[0]!.template.spec).toContain("uint16 VLAN_ID");
  expect(flows[0]!.template.spec).toContain("uint32 PACKETS_REV");
  expect(flows[0]).not.toBe(meter.flows);
  expect(meterWith({}, undefined).flows[0]!.template.spec).not.toContain("VLAN_ID");
});

test("meterWith has a port for each group of plugins", () => {
  const { flows } = meterWith({}, { groups: [["vlan"], ["vlan", "icmp"]], compat: false });
  expect(flows.map(({ name }) => name)).toEqual(["vlan", "vlan+icmp"]);
  expect(flows[0]!.template.spec).not.toContain("L4_ICMP_TYPE_CODE");
  expect(flows[1]!.template.spec).toContain("L4_ICMP_TYPE_CODE");
});

describe("withModules", () => {
  const dns = { needs: ["dns"], also: ["tls"] };
  const all = { needs: [], also: ["appproto"] };
  const specs = (plan: PluginPlan | undefined): string[] =>
    meterWith({}, plan).flows.map(({ template }) => template.spec);

  test("withModules adds a port for modules to the flows that go out, which stay as they are", () => {
    const plan = withModules(undefined, [dns]);
    expect(portNames(plan)).toEqual(["flow", "module_dns"]);
    const [flows, narrow] = specs(plan);
    expect(flows).toBe(specs(undefined)[0]!);
    expect(narrow).toContain("string DNS_NAME");
    expect(narrow).toContain("string TLS_SNI");
    expect(withModules(undefined, [])).toBeUndefined();
  });

  test("withModules leaves groups chosen by hand their fields and order", () => {
    const plan = withModules({ groups: [["vlan"], ["http"]], compat: false }, [all, dns]);
    expect(portNames(plan)).toEqual(["vlan", "http", "module", "module_dns"]);
    expect(specs(plan).map((spec) => spec.includes("APP_PROTO"))).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  test("forModules leaves out the flows that go out only where modules have all flows of their own", () => {
    const both = withModules(undefined, [all, dns]);
    expect(portNames(forModules(both))).toEqual(["module", "module_dns"]);
    expect(specs(forModules(both))).toHaveLength(2);
    const narrow = withModules(undefined, [dns]);
    expect(forModules(narrow)).toBe(narrow!);
  });
});

test("pluginList has a line a plugin", () => {
  expect(pluginList().trimEnd().split("\n")).toHaveLength(PROTOCOLS.length);
});
