// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { productOf } from "../config/plan.ts";
import { parseConfig } from "../config/read.ts";
import { layoutOf, type ProcessPlan } from "./layout.ts";

const TAP = '[[sources]]\ninterface = "tap0"\n';

/** The processes of a configuration, without the detectors that want more of flows than their basic fields. */
async function layout(text: string): Promise<ProcessPlan[]> {
  const product = productOf(await parseConfig(text, "x.toml"));
  const modules = product.modules.filter(({ wants }) => wants.length === 0);
  return layoutOf({ ...product, modules }, "/state");
}

/** The interfaces of each process, as its task has them. */
const interfacesOf = (plans: readonly ProcessPlan[]): Record<string, unknown> =>
  Object.fromEntries(
    plans.map(({ name, task }) => {
      if (task.kind === "trap") return [name, task.plan.interfaces];
      if (task.kind === "command") return [name, task.command.at(-1)];
      const { source, interfaces, modules } = task.plan;
      const outputs = modules.map((each) => each.interfaces).filter(Boolean);
      return [name, source.kind === "trap" ? [...source.senders, ...outputs] : interfaces];
    }),
  );

describe("layoutOf", () => {
  test("layoutOf gives capture and detectors a process each, which NEMEA's name for flows joins", async () => {
    const plans = await layout(TAP);
    expect(plans.map(({ name }) => name)).toEqual(["capture@tap0", "detectors"]);
    expect(interfacesOf(plans)).toEqual({
      "capture@tap0": "u:flow_data_source:autoflush=200000",
      detectors: [["u:flow_data_source"]],
    });
    expect(plans[1]!.modules).toContain("vportscan");
    expect(plans[1]!.task).toMatchObject({ plan: { stateFolder: "/state", source: { lag: 35 } } });
  });

  test("layoutOf gives detectors what they want of flows beside their basic fields, and sends it to nobody else", async () => {
    const text = `${TAP}[meter]\nplugins = ["tls"]\n[flows]\ninterfaces = "t:9000"\n`;
    const product = productOf(await parseConfig(text, "x.toml"));
    const wants = [
      { needs: [], also: ["appproto"] },
      { needs: ["sip"], also: [] },
    ];
    const [scan] = product.modules;
    const plans = layoutOf({ ...product, modules: [{ ...scan!, wants }] });
    const sockets = ["u:module_data_source", "u:module_sip_data_source"];
    expect(interfacesOf(plans)).toEqual({
      "capture@tap0": ["u:flow_data_source", ...sockets]
        .map((each) => `${each}:autoflush=200000`)
        .concat("t:9000")
        .join(),
      detectors: [sockets],
    });
    expect(plans.map(({ task }) => task)).toMatchObject([
      { plan: { plugins: { groups: [["tls"]], modules: wants } } },
      { plan: { plugins: { groups: [["tls"]], modules: wants, isForModules: true } } },
    ]);
  });

  test("layoutOf lets a file wait for detectors, and for nobody to come to flows that they do not read", async () => {
    const product = productOf(await parseConfig(TAP, "x.toml"));
    const [scan] = product.modules;
    const source = { kind: "files", paths: ["x.pcap"] } as const;
    const plans = layoutOf({
      ...product,
      sources: [{ name: "x", source }],
      modules: [{ ...scan!, wants: [{ needs: [], also: ["appproto"] }] }],
    });
    expect(interfacesOf(plans)).toMatchObject({
      "capture@x":
        "u:flow_data_source:autoflush=200000:timeout=HALF_WAIT,u:module_data_source:autoflush=200000",
    });
  });

  test("layoutOf gives a detector a process of its own where the file says so", async () => {
    const plans = await layout(`${TAP}[modules.vportscan]\nprocess = true\n`);
    expect(plans.map(({ name, modules }) => [name, modules.includes("vportscan")])).toEqual([
      ["capture@tap0", false],
      ["detectors", false],
      ["detector@vportscan", true],
    ]);
  });

  test("layoutOf captures from several interfaces, whose flows all go to the detectors", async () => {
    const plans = await layout(`${TAP}[[sources]]\ninterface = "eth1.5"\n`);
    expect(interfacesOf(plans)).toEqual({
      "capture@tap0": "u:flow_data_source-tap0:autoflush=200000",
      "capture@eth1.5": "u:flow_data_source-eth1.5:autoflush=200000",
      detectors: [["u:flow_data_source-tap0"], ["u:flow_data_source-eth1.5"]],
    });
  });

  test("layoutOf sends groups of plugins by an output each, and other flows as the file says", async () => {
    const text = `${TAP}[meter]\nplugins = ["(dns,passivedns)", "(http)"]\n[flows]\ninterfaces = "t:9000,t:9001"\n`;
    expect(interfacesOf(await layout(text))).toMatchObject({
      "capture@tap0":
        "u:dns_data_source:autoflush=200000,u:http_data_source:autoflush=200000,t:9000,t:9001",
      detectors: [["u:dns_data_source", "u:http_data_source"]],
    });
  });
});

const LOGGER = "[modules.logger]\nenabled = true\n";
const COMMAND = '[commands.old]\ncommand = ["/bin/old", "-x"]\ninputs = 2\noutputs = 1\n';
const link = (from: string, to: string): string => `[[links]]\nfrom = "${from}"\nto = "${to}"\n`;

describe("links", () => {
  test("a link joins a detector's alerts and a module by a socket of their own", async () => {
    const plans = await layout(TAP + LOGGER + link("vportscan", "logger"));
    expect(interfacesOf(plans)).toMatchObject({
      detectors: [["u:flow_data_source"], "u:vportscan.alerts"],
      "module@logger": "u:vportscan.alerts",
    });
  });

  test("a command reads flows, a detector and an interface from elsewhere, and others read it", async () => {
    const text =
      TAP +
      LOGGER +
      COMMAND +
      link("flows", "old") +
      link("t:other:7600", "old") +
      link("old", "logger");
    expect(interfacesOf(await layout(text))).toMatchObject({
      "command@old": "u:flow_data_source,t:other:7600,u:old.0",
      "module@logger": "u:old.0",
    });
  });

  test("a link to an interface names the output's, and who reads from the output reads there", async () => {
    const text =
      TAP +
      LOGGER +
      link("vportscan.alerts", "t:127.0.0.1:12005") +
      link("vportscan", "logger") +
      link("flows", "f:/tmp/flows.trap");
    expect(interfacesOf(await layout(text))).toMatchObject({
      "capture@tap0": "u:flow_data_source:autoflush=200000,f:/tmp/flows.trap",
      detectors: [["u:flow_data_source"], "t:127.0.0.1:12005"],
      "module@logger": "t:127.0.0.1:12005",
    });
  });

  test.each([
    [LOGGER, /logger\.\w+ has no sender/],
    [LOGGER + link("flows", "loger"), /:5:1: links: no module "loger" runs; there are .*logger/],
    [LOGGER + link("flows@eth9", "logger"), /from "flows@eth9": there are flows@tap0/],
    [link("flows", "vportscan"), /vportscan is a detector, which gets the flows of all sources/],
    [LOGGER + link("vportscan.nix", "logger"), /vportscan has the outputs alerts/],
    [LOGGER + link("flows", "logger") + link("flows", "logger"), /logger has the inputs/],
    [link("u:a", "u:b"), /one end has to be a module or flows/],
    [link("vportscan", "u:a") + link("vportscan", "u:b"), /has an interface already/],
    [
      LOGGER + link("vportscan", "f:/tmp/x") + link("vportscan", "logger"),
      /nobody can read from f:\/tmp\/x/,
    ],
    ['[commands."a b"]\ncommand = ["x"]\n', /commands: "a b": expected up to 32 letters/],
    ["[commands.a]\ninputs = 0\n", /commands.a: name the program/],
  ])(
    "a configuration that cannot be wired is refused with its place: %p",
    async (text, message) => {
      await expect(parseConfig(TAP + text, "x.toml")).rejects.toThrow(message);
    },
  );
});
