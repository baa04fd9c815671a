// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { AlertComposer, type AlertDetail, EVIDENCE_MAX, evidenceOf, type Rule } from "./alert.ts";
import { template } from "./unirec/template.ts";
import { cursorOn, packed } from "./unirec/test-kit.ts";

const rule = (id: number, title: string): Rule => ({
  id,
  title,
  category: "Recon.Scanning",
  severity: 5,
  confidence: 0.5,
  techniques: ["T1046"],
});
const composerOf = (): AlertComposer =>
  new AlertComposer({
    detector: "probe",
    version: "1.2.3",
    rules: { scan: rule(9_000_100, "Scan"), sweep: rule(9_000_101, "Sweep") },
    sensor: "north",
    interface: "eth0",
  });

const record = {
  SRC_IP: "192.0.2.1",
  DST_IP: "192.0.2.2",
  SRC_PORT: 1000,
  DST_PORT: 22,
  PROTOCOL: 6,
  TIME_FIRST: 1_000_000,
  TIME_LAST: 2_000_000,
};
const detail = (more: Partial<AlertDetail> = {}): AlertDetail => ({
  key: "k",
  reason: "why",
  ...more,
});

describe("AlertComposer", () => {
  test("makes an alert of a record, its detail and the rule", () => {
    const alert = composerOf().compose(
      record,
      detail({ observed: 50, threshold: 49, flows: 3, packets: 4, bytes: 5, time: 2_500_000 }),
      9_000_000,
    );
    expect(alert).toEqual({
      id: alert.id,
      key: "probe:k",
      update: 0,
      state: "open",
      detector: "probe",
      version: "1.2.3",
      rule: 9_000_100,
      title: "Scan",
      category: "Recon.Scanning",
      severity: 5,
      confidence: 0.5,
      techniques: ["T1046"],
      detectTime: 2_500_000,
      firstTime: 1_000_000,
      lastTime: 2_000_000,
      source: { ip: "192.0.2.1", port: 1000 },
      target: { ip: "192.0.2.2", port: 22 },
      protocol: 6,
      reason: "why",
      observed: 50,
      threshold: 49,
      flows: 3,
      packets: 4,
      bytes: 5,
      evidence: [],
      sensor: "north",
      interface: "eth0",
    });
    expect(alert.id).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
  });

  test("takes the named rule, and what a send says of its own", () => {
    const alert = composerOf().compose(
      record,
      detail({
        rule: "sweep",
        severity: 9,
        confidence: 1,
        source: { count: 7 },
        target: { ip: "x" },
      }),
      0,
    );
    expect(alert).toMatchObject({
      rule: 9_000_101,
      severity: 9,
      confidence: 1,
      source: { count: 7 },
      target: { ip: "x" },
    });
    expect(() => composerOf().compose(record, detail({ rule: "none" }), 0)).toThrow(
      "probe: no rule none",
    );
  });

  test("makes do with a record alone", () => {
    const composer = composerOf();
    const [first, second] = [
      composer.compose({ A: 1 }, undefined, 5),
      composer.compose({ A: 2 }, undefined, 5),
    ];
    expect(first).toMatchObject({
      reason: "Scan",
      firstTime: 5,
      lastTime: 5,
      detectTime: 5,
      source: {},
    });
    expect(second.id).not.toBe(first.id);
    expect(composer.compose({ A: 1 }, undefined, 6)).toMatchObject({ id: first.id, update: 1 });
  });

  test("updates one event as long as the key is the same, from its first time on", () => {
    const composer = composerOf();
    const first = composer.compose(record, detail(), 0);
    const second = composer.compose(
      { ...record, TIME_FIRST: 500_000, TIME_LAST: 8_000_000 },
      detail(),
      0,
    );
    const third = composer.compose({ ...record, TIME_FIRST: 7_000_000 }, detail(), 0);
    const other = composer.compose(record, detail({ key: "other" }), 0);
    expect([first, second, third].map(({ update }) => update)).toEqual([0, 1, 2]);
    expect(new Set([first, second, third].map(({ id }) => id)).size).toBe(1);
    expect([second.firstTime, second.lastTime, third.firstTime]).toEqual([
      500_000, 8_000_000, 500_000,
    ]);
    expect(other.id).not.toBe(first.id);
  });

  test("opens another event once one was closed", () => {
    const composer = composerOf();
    const first = composer.compose(record, detail(), 0);
    const closed = composer.compose(record, detail({ closed: true }), 0);
    const again = composer.compose(record, detail(), 0);
    expect(closed).toMatchObject({ id: first.id, state: "closed", update: 1 });
    expect(again).toMatchObject({ state: "open", update: 0 });
    expect(again.id).not.toBe(first.id);
  });

  test("forgets the event least recently updated when too many are open, and counts it", () => {
    const composer = composerOf();
    const idOf = (key: string): string => composer.compose(record, detail({ key }), 0).id;
    const [oldest, kept] = [idOf("oldest"), idOf("kept")];
    for (let i = 0; i < 16_382; i++) idOf(`key ${i}`);
    expect(composer.forgotten).toBe(0);
    expect(idOf("kept")).toBe(kept);
    idOf("one more");
    expect(composer.forgotten).toBe(1);
    expect(idOf("kept")).toBe(kept);
    expect(idOf("oldest")).not.toBe(oldest);
    expect(composer.forgotten).toBe(2);
    expect(idOf("kept")).toBe(kept);
  });

  test("keeps twenty flows of evidence", () => {
    const evidence = Array.from({ length: 30 }, (_, i) => ({ DST_PORT: i }));
    const alert = composerOf().compose(record, detail({ evidence }), 0);
    expect(alert.evidence).toEqual(evidence.slice(0, EVIDENCE_MAX));
  });
});

test("evidenceOf is the record under a cursor as plain values", () => {
  const flow = template("ipaddr SRC_IP, macaddr SRC_MAC, uint16* LENS, bytes B");
  const row = { SRC_IP: "::1", SRC_MAC: "00:00:00:00:00:01", LENS: [1, 2], B: new Uint8Array([3]) };
  const batch = packed(flow, [row]);
  const evidence = evidenceOf(cursorOn(batch, flow), flow);
  batch.bytes.fill(0);
  expect(evidence).toEqual(row);
});
