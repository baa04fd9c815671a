// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { productOf } from "../config/plan.ts";
import { parseConfig } from "../config/read.ts";
import { EMPTY_SNAPSHOT, type LinkStats, type Snapshot } from "../snapshot.ts";
import { layoutOf } from "./layout.ts";
import { linkViews, moduleViews, type Scene } from "./picture.ts";

const TEXT = `[[sources]]
interface = "tap0"
[flows]
interfaces = "t:9000"
[modules.vportscan]
portsMax = 20
[modules.haddrscan]
enabled = false
[modules.logger]
enabled = true
[[links]]
from = "vportscan"
to = "logger"
[commands.old]
command = ["/bin/old"]
[[links]]
from = "flows"
to = "old"
`;

const sent = (from: string, port: string, via: string, records: number): LinkStats => ({
  from,
  port,
  via,
  records,
  dropped: 1,
  unheard: 6,
  receivers: 1,
});

async function scene(): Promise<Scene> {
  const all = productOf(await parseConfig(TEXT, "x.toml"));
  const modules = all.modules.filter(({ name }) =>
    ["vportscan", "sip-bf", "logger"].includes(name),
  );
  const product = { ...all, modules };
  const snapshots: Record<string, Partial<Snapshot>> = {
    "capture@tap0": {
      links: [
        sent("flows", "flows", "u:flow_data_source", 50),
        sent("flows", "flows", "u:module_data_source", 50),
        sent("flows", "flows", "u:module_sip_data_source", 5),
        sent("flows", "flows", "t:9000", 50),
      ],
    },
    detectors: {
      missed: 3,
      modules: [
        {
          name: "vportscan",
          inputs: { flows: 47 },
          outputs: { alerts: 2 },
          counters: {},
          busy: 0.5,
        },
      ],
      links: [sent("vportscan", "alerts", "u:vportscan.alerts", 2)],
    },
  };
  const sink = { name: "siem", delivered: 1, waiting: 4, dropped: 2, dead: 1 };
  return {
    plans: layoutOf(product),
    snapshots: new Map(
      Object.entries(snapshots).map(([name, each]) => [name, { ...EMPTY_SNAPSHOT, ...each }]),
    ),
    modules: product.modules,
    commands: product.commands,
    delivery: { queue: {}, sinks: [sink] } as never,
  };
}

test("linkViews shows where flows, records and alerts go, and what is lost on the way", async () => {
  const links = linkViews(await scene()).map(
    ({ from, to, toPort, via, records, dropped, queued }) =>
      `${from} -> ${to}.${toPort} by ${via}: ${records}, ${dropped} lost, ${queued} wait`,
  );
  expect(links).toEqual([
    "capture@tap0 -> sip-bf.flows by u:module_sip_data_source: 0, 3 lost, null wait",
    "capture@tap0 -> vportscan.flows by u:module_data_source: 47, 3 lost, null wait",
    "capture@tap0 -> old.0 by u:flow_data_source: 50, 7 lost, null wait",
    "capture@tap0 -> t:9000. by t:9000: 50, 1 lost, null wait",
    "vportscan -> logger.records by u:vportscan.alerts: 2, 7 lost, null wait".replace(
      "records",
      (await scene()).modules.find(({ name }) => name === "logger")!.inputs[0]!,
    ),
    "sip-bf -> alerts.alerts by control: 0, 0 lost, null wait",
    "vportscan -> alerts.alerts by control: 2, 0 lost, null wait",
    "alerts -> sink:siem.alerts by queue: 1, 3 lost, 4 wait",
  ]);
});

test("moduleViews shows all modules there are, those that run with their process and counters", async () => {
  const views = await moduleViews(await scene());
  const named = (name: string) => views.find((each) => each.name === name);
  expect(named("vportscan")).toMatchObject({
    kind: "detector",
    enabled: true,
    process: "detectors",
    params: { portsMax: 20 },
    inputs: { flows: 47 },
    busy: 0.5,
  });
  expect(named("haddrscan")).toMatchObject({ enabled: false, process: null, inputs: {} });
  expect(named("logger")).toMatchObject({ kind: "module", process: "module@logger" });
  expect(named("old")).toMatchObject({
    kind: "command",
    process: "command@old",
    about: "/bin/old",
  });
});
