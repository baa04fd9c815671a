// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { Alert } from "../core/alert.ts";
import { Appliance, type AppliancePlan } from "./appliance.ts";

const generated: AppliancePlan = {
  source: { kind: "generator", traffic: { seed: 1, scale: 0.2 } },
  modules: [
    { name: "haddrscan", params: {} },
    { name: "vportscan", params: {} },
  ],
  sensor: "test",
};

const live = (name: string, workers: number): AppliancePlan => ({
  source: { kind: "live", workers, capture: { interface: name, meter: { flowsMax: 1024 } } },
  modules: [],
  sensor: "test",
});

async function run(plan: AppliancePlan) {
  const alerts: Alert[] = [];
  const warnings: string[] = [];
  using appliance = new Appliance(plan, {
    onAlert: (alert) => void alerts.push(alert),
    onWarning: (message) => warnings.push(message),
  });
  const ready = await appliance.ready;
  const failure = await appliance.ended();
  return { alerts, warnings, ready, failure, snapshot: appliance.snapshot() };
}

test("Appliance runs a source to its end and has given all alerts by then", async () => {
  const { alerts, warnings, ready, failure, snapshot } = await run(generated);
  expect([ready, failure, warnings]).toEqual([true, undefined, []]);
  expect(new Set(alerts.map(({ detector }) => detector))).toEqual(
    new Set(["haddrscan", "vportscan"]),
  );
  expect(snapshot).toMatchObject({ finished: true, alerts: alerts.length, ringDrops: 0 });
  expect(snapshot.sources).toMatchObject([{ kind: "generator", workers: 1 }]);
  expect(snapshot.sources[0]!.meter.packets).toBeGreaterThan(1000);
});

test("Appliance is loading until each of its Workers has said something", async () => {
  using appliance = new Appliance(generated, { onAlert: () => {}, onWarning: () => {} });
  expect(appliance.isLoading).toBe(true);
  await appliance.ready;
  expect(appliance.isLoading).toBe(false);
  appliance.stop();
  await appliance.ended();
});

test("Appliance stops a source that has not ended", async () => {
  const long: AppliancePlan = {
    ...generated,
    source: { kind: "generator", traffic: { seed: 1, seconds: 86_400, scale: 100 } },
  };
  using appliance = new Appliance(long, { onAlert: () => {}, onWarning: () => {} });
  expect(await appliance.ready).toBe(true);
  appliance.stop();
  expect(await appliance.ended()).toBeUndefined();
  expect(appliance.snapshot().finished).toBe(true);
});

test.each([1, 2])(
  "Appliance with %d capture Workers that cannot open fails and ends",
  async (n) => {
    const { ready, failure, snapshot } = await run(live("tap9", n));
    expect([ready, failure]).toEqual([
      false,
      { exitCode: 66, message: expect.stringMatching(/^tap9: no such interface; there are /) },
    ]);
    expect(snapshot.sources).toEqual([]);
  },
);

test("Appliance whose Workers all fail ends, with one of the failures", async () => {
  const { ready, failure } = await run({ ...live("tap9", 2), flows: "/dev/null/flows.csv" });
  expect(ready).toBe(false);
  expect([66, 73]).toContain(failure!.exitCode);
});
