// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { PipelineRun } from "../src/control/pipeline-run.ts";
import type { Alert } from "../src/core/alert.ts";
import { TrafficGenerator } from "../src/core/traffic/generator.ts";
import type { Attack } from "../src/core/traffic/truth.ts";

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1);

/** Who did what to whom, as both sides can say it. A flood has no scanner: it must raise nothing here. */
function scan(attack: Attack): string[] {
  if (attack.kind === "vertical-scan") return [`vportscan ${attack.attacker} > ${attack.victim}`];
  if (attack.kind === "horizontal-scan") return [`haddrscan ${attack.attacker} > :${attack.port}`];
  return [];
}

const found = ({ detector, source, target }: Alert): string =>
  detector === "vportscan"
    ? `${detector} ${source.ip} > ${target.ip}`
    : `${detector} ${source.ip} > :${target.port}`;

async function eventsOf(seed: number): Promise<string[]> {
  const events = new Map<string, string>();
  const run = await PipelineRun.open(
    {
      source: { kind: "generator", traffic: { seed } },
      modules: [
        { name: "haddrscan", params: {} },
        { name: "vportscan", params: {} },
      ],
      sensor: "test",
    },
    { onAlert: (alert) => events.set(alert.id, found(alert)), onWarning: () => {} },
  );
  while (run.step());
  run.finish();
  return [...events.values()].sort();
}

test.each(SEEDS)(
  "the product finds the scans of seed %d, each once, and nothing else",
  async (seed) => {
    const truth = new TrafficGenerator({ seed }).truth.attacks.flatMap(scan).sort();
    expect(truth.length).toBeGreaterThanOrEqual(2);
    expect(await eventsOf(seed)).toEqual(truth);
  },
);
