// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import type { AnyModule } from "../core/module.ts";
import { parseTemplate } from "../core/unirec/template.ts";
import { hasAllFlows, joinPorts, modulePorts, portFor } from "./module-ports.ts";

const BASIC = "ipaddr SRC_IP,ipaddr DST_IP,time TIME_LAST";
const moduleOf = (...specs: string[]): AnyModule => ({
  name: "toy",
  about: "Reads.",
  params: {},
  inputs: Object.fromEntries(specs.map((spec, i) => [`in${i}`, parseTemplate(spec, "uniflow")])),
  outputs: {},
  setup: () => ({}),
});

describe("modulePorts", () => {
  test("modulePorts has none for basic fields, and none for fields that no plugin has", () => {
    expect(
      modulePorts([moduleOf(BASIC), moduleOf(`${BASIC},uint8 NOBODY,?uint8 DIRECTION_FLAGS`)]),
    ).toEqual([]);
  });

  test("modulePorts has an output of flows in which the plugin of a required field found something", () => {
    expect(modulePorts([moduleOf(`${BASIC},string DNS_NAME`)])).toEqual([
      { needs: ["dns"], also: [] },
    ]);
  });

  test("modulePorts takes the one plugin that has all required fields, where there is one", () => {
    const http = `${BASIC},string HTTP_REQUEST_HOST,string HTTP_REQUEST_URL`;
    expect(modulePorts([moduleOf(http)])).toEqual([{ needs: ["http"], also: [] }]);
  });

  test("modulePorts has one output of all flows for whoever can use more, in front of the others", () => {
    const defs = [
      moduleOf(`${BASIC},string DNS_NAME,?string TLS_SNI`),
      moduleOf(`${BASIC},?string APP_PROTO`),
      moduleOf(`${BASIC},?string TLS_SNI`, `${BASIC},string DNS_NAME`),
    ];
    const ports = modulePorts(defs);
    expect(ports).toEqual([
      { needs: [], also: ["appproto", "tls"] },
      { needs: ["dns"], also: ["tls"] },
    ]);
    expect(defs.map(({ inputs }) => portFor(inputs["in0"]!, ports))).toEqual([1, 0, 0]);
    expect(joinPorts(defs.flatMap((def) => modulePorts([def])))).toEqual(ports);
  });

  test("portFor sends who reads basic fields to the output of all flows, if there is one", () => {
    const basic = parseTemplate(BASIC, "uniflow");
    expect(portFor(basic, [{ needs: ["dns"], also: [] }])).toBe(-1);
    expect(portFor(basic, [{ needs: [], also: ["tls"] }])).toBe(0);
    expect([
      hasAllFlows([]),
      hasAllFlows([{ needs: [], also: [] }]),
      hasAllFlows([{ needs: ["dns"], also: [] }]),
    ]).toEqual([false, true, false]);
  });
});
