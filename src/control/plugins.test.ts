// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { PROTOCOLS } from "../core/metadata/protocols.ts";
import { flowsTemplate, meterWith, parsePlugins, pluginList } from "./plugins.ts";

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
    expect(() => flowsTemplate({ names, compat: false })).not.toThrow();
  });
});

describe("parsePlugins", () => {
  test("parsePlugins reads names in any case, each once", () => {
    expect(parsePlugins("VLAN, vlan")).toEqual(["vlan"]);
  });

  test("parsePlugins knows all and default", () => {
    expect(parsePlugins("all")).toEqual(PROTOCOLS.map(({ name }) => name));
    expect(parsePlugins("default")).toEqual(
      PROTOCOLS.filter(({ byDefault }) => byDefault).map(({ name }) => name),
    );
  });

  test.each([
    ["", /no plugin; there are .*vlan/],
    [" , ", /no plugin; there are/],
    ["vlan,nix", /no plugin "nix"; there are .*vlan.*, all, default/],
  ])("parsePlugins refuses %p", (text, why) => {
    expect(() => parsePlugins(text)).toThrow(why);
  });
});

test("meterWith gives flows the fields of its plugins beside the basic ones", () => {
  const { meter, flows } = meterWith({}, { names: ["vlan"], compat: false });
  expect(flows.template.spec).toContain("uint16 VLAN_ID");
  expect(flows.template.spec).toContain("uint32 PACKETS_REV");
  expect(flows).not.toBe(meter.flows);
  expect(meterWith({}, undefined).flows.template.spec).not.toContain("VLAN_ID");
});

test("pluginList has a line a plugin", () => {
  expect(pluginList().trimEnd().split("\n")).toHaveLength(PROTOCOLS.length);
});
