// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { foundBy, isAbout } from "../src/control/cli/demo-truth.ts";
import { modulesNamed } from "../src/control/modules.ts";
import { PipelineRun } from "../src/control/pipeline-run.ts";
import type { Alert } from "../src/core/alert.ts";
import type { MeterOptions } from "../src/core/flow/meter.ts";
import { TrafficGenerator, type TrafficOptions } from "../src/core/traffic/generator.ts";
import type { Attack } from "../src/core/traffic/truth.ts";

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);
const MEDIUM = 4;

const modules = (await modulesNamed(undefined)).map(({ name }) => ({ name, params: {} }));

/** The last word on each event of the traffic, with all detectors. */
async function eventsOf(traffic: TrafficOptions, meter: MeterOptions = {}): Promise<Alert[]> {
  const events = new Map<string, Alert>();
  const run = await PipelineRun.open(
    { source: { kind: "generator", traffic }, meter, modules, sensor: "test" },
    { onAlert: (alert) => events.set(alert.id, alert), onWarning: () => {} },
  );
  while (run.step());
  run.finish();
  return [...events.values()];
}

const inWords = ({ detector, severity, source, target, reason }: Alert): string =>
  `${detector} ${severity} ${source.ip ?? "many"} > ${target.ip ?? "many"}: ${reason}`;

/** Who did what to whom, as both sides can say it of scans. */
function scan(attack: Attack): string[] {
  if (attack.kind === "vertical-scan") return [`vportscan ${attack.attacker} > ${attack.victim}`];
  if (attack.kind === "horizontal-scan") return [`haddrscan ${attack.attacker} > :${attack.port}`];
  return [];
}

const scanFound = ({ detector, source, target }: Alert): string[] => {
  if (detector === "vportscan") return [`${detector} ${source.ip} > ${target.ip}`];
  return detector === "haddrscan" ? [`${detector} ${source.ip} > :${target.port}`] : [];
};

/** All that was hidden is found by who is made for it, each scan once, and nobody else is accused. */
function expectTruth(attacks: readonly Attack[], events: readonly Alert[]): void {
  expect(attacks.length).toBeGreaterThanOrEqual(10);
  const lost = attacks.filter((attack) => foundBy(attack, events).length === 0);
  expect(lost).toEqual([]);
  expect(events.flatMap(scanFound).sort()).toEqual(attacks.flatMap(scan).sort());
  const strangers = events.filter(
    (alert) => alert.severity >= MEDIUM && !attacks.some((attack) => isAbout(attack, alert)),
  );
  expect(strangers.map(inWords)).toEqual([]);
}

test.each(SEEDS)(
  "the product finds each attack of seed %d, each scan once, and accuses nobody else",
  async (seed) => {
    const { attacks } = new TrafficGenerator({ seed }).truth;
    expectTruth(attacks, await eventsOf({ seed }));
  },
);

/** The first round of a live demo, and its meter. */
const FIRST_ROUND = { seconds: 30 } as const;
const QUICK = { idle: 5, linger: 1, brief: 2, active: 60 } as const;

test.each(SEEDS.slice(0, 5))(
  "the product finds each attack of the first half minute of a live demo with seed %d",
  async (seed) => {
    const traffic = { seed, ...FIRST_ROUND };
    expectTruth(new TrafficGenerator(traffic).truth.attacks, await eventsOf(traffic, QUICK));
  },
);
