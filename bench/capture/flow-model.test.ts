// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { FlowModel } from "./flow-model.ts";

const IDS = 1 << 18;

test("FlowModel gives each id a client of its own, and servers outside the clients' network", () => {
  const flow = new FlowModel(1);
  const clients = new Set<number>();
  for (let id = 0; id < IDS; id++) {
    flow.select(id);
    clients.add(flow.client);
    if (flow.client >>> 24 !== 10 || flow.server >>> 24 === 10) expect.unreachable();
  }
  expect(clients.size).toBe(IDS);
});

test("FlowModel is a pure function of the id in the announced proportions", () => {
  const flow = new FlowModel(1);
  const protocols = new Map<number, number>();
  let [v6, tagged] = [0, 0];
  for (let id = 0; id < IDS; id++) {
    flow.select(id);
    if (flow.v6) v6++;
    if (flow.vlan > 0) tagged++;
    protocols.set(flow.protocol, (protocols.get(flow.protocol) ?? 0) + 1);
  }
  const share = (...numbers: number[]): number =>
    numbers.reduce((sum, protocol) => sum + (protocols.get(protocol) ?? 0), 0) / IDS;
  expect(v6 / IDS).toBeCloseTo(0.15, 2);
  expect(tagged / IDS).toBeCloseTo(0.1, 2);
  expect(share(6)).toBeCloseTo(0.6, 2);
  expect(share(17)).toBeCloseTo(0.3, 2);
  expect(share(1, 58)).toBeCloseTo(0.1, 2);
  const again = new FlowModel(1);
  again.select(IDS - 1);
  expect(again).toEqual(flow);
});
