// SPDX-License-Identifier: BSD-3-Clause
// An ordinary hour of an office of 500 hosts through all detectors, as `nemean replay` runs them.
import { expect, test } from "bun:test";
import { modulesNamed } from "../src/control/modules.ts";
import { PipelineRun } from "../src/control/pipeline-run.ts";
import type { Snapshot } from "../src/control/snapshot.ts";
import type { Alert } from "../src/core/alert.ts";

const MEDIUM = 4;
const HOUR = 3600;
const MINUTES = 60_000;

interface Heard {
  readonly events: readonly Alert[];
  readonly snapshot: Snapshot;
}

/** The last word on each event of the hour, and what went through. */
async function hear(seed: number): Promise<Heard> {
  const events = new Map<string, Alert>();
  const modules = (await modulesNamed(undefined)).map(({ name }) => ({ name, params: {} }));
  const run = await PipelineRun.open(
    {
      source: { kind: "generator", traffic: { seed, profile: "quiet", seconds: HOUR } },
      modules,
      sensor: "test",
    },
    { onAlert: (alert) => events.set(alert.id, alert), onWarning: () => {} },
  );
  while (run.step());
  run.finish();
  return { events: [...events.values()], snapshot: run.snapshot() };
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const inWords = ({ detector, severity, source, target, reason }: Alert): string =>
  `${detector} ${severity} ${source.ip ?? `${source.count} sources`} > ${target.ip ?? "many"}: ${reason}`;

// More than one: limits fit the hour that they were looked at with.
test.each([1, 2, 3])(
  "the detectors raise nothing medium in an ordinary hour of 500 hosts, seed %d",
  async (seed) => {
    const { events, snapshot } = await hear(seed);
    const { packets, bytes, flows, found } = snapshot.sources[0]!.meter;
    const medium = events.filter(({ severity }) => severity >= MEDIUM);
    say(
      `quiet hour: ${packets} packets, ${Math.round(bytes / 1e6)} MB, ${flows} flows, ${events.length} events, ${medium.length} medium or more`,
    );
    say(`  found in flows: ${JSON.stringify(found)}`);
    for (const alert of events) say(`  ${inWords(alert)}`);
    expect(flows).toBeGreaterThan(150_000);
    expect(medium.map(inWords)).toEqual([]);
  },
  2 * MINUTES,
);
