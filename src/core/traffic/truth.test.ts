// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { FrameBatch } from "../packet/frames.ts";
import { ipText, parseIp } from "../unirec/ip.ts";
import { TrafficGenerator, type TrafficOptions } from "./generator.ts";
import type { Attack } from "./truth.ts";

const SYN = 2;
/** Thresholds of the two scan detectors. */
const TARGETS = 50;
const PACKETS_MAX = 4;

/** A TCP flow as whoever sent its first segment began it. */
interface Flow {
  source: string;
  target: string;
  port: number;
  /** Flags of the initiator's segments, and how many there were. */
  flags: number;
  packets: number;
  first: number;
  last: number;
}

/** All TCP flows of the traffic, gathered with nothing but the frames. */
function flowsOf(traffic: TrafficGenerator): Flow[] {
  const flows = new Map<string, Flow>();
  const frames = new FrameBatch();
  while (traffic.next(frames)) {
    for (let i = 0; i < frames.count; i++) addFrame(flows, frames, i);
  }
  return [...flows.values()];
}

function addFrame(flows: Map<string, Flow>, frames: FrameBatch, index: number): void {
  const { view } = frames;
  const start = frames.start[index]!;
  const network = start + (view.getUint16(start + 12) === 0x8100 ? 18 : 14);
  const etherType = view.getUint16(network - 2);
  if (etherType === 0x0806) return;
  const v4 = etherType === 0x0800;
  if (view.getUint8(network + (v4 ? 9 : 6)) !== 6) return;
  const tcp = network + (v4 ? 20 : 40);
  const [source, target] = v4
    ? [view.getUint32(network + 12), view.getUint32(network + 16)]
    : [v6(view, network + 8), v6(view, network + 24)];
  const [sourcePort, port] = [view.getUint16(tcp), view.getUint16(tcp + 2)];
  if (flows.has(`${target} ${port} ${source} ${sourcePort}`)) return;
  const key = `${source} ${sourcePort} ${target} ${port}`;
  const time = frames.time[index]!;
  let flow = flows.get(key);
  if (flow === undefined) {
    flow = {
      source: `${source}`,
      target: `${target}`,
      port,
      flags: 0,
      packets: 0,
      first: time,
      last: time,
    };
    flows.set(key, flow);
  }
  flow.flags |= view.getUint8(tcp + 13);
  flow.packets++;
  flow.last = time;
}

const v6 = (view: DataView, at: number): string =>
  [0, 4, 8, 12]
    .map((word) =>
      view
        .getUint32(at + word)
        .toString(16)
        .padStart(8, "0"),
    )
    .join("");

/** Text of an address as `flowsOf` names it. */
function textOf(name: string): string {
  if (name.length < 32) {
    const value = Number(name);
    return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
  }
  return ipText(parseIp(name.match(/.{4}/g)!.join(":"))!);
}

/** For each key the distinct values of the flows that are probes. */
function targetsOf(
  flows: readonly Flow[],
  key: (flow: Flow) => string,
  value: (flow: Flow) => unknown,
): Map<string, number> {
  const sets = new Map<string, Set<unknown>>();
  for (const flow of flows) {
    if (flow.flags !== SYN || flow.packets > PACKETS_MAX) continue;
    const name = key(flow);
    const set = sets.get(name) ?? new Set();
    sets.set(name, set.add(value(flow)));
  }
  return new Map([...sets].map(([name, set]) => [name, set.size]));
}

const above = (targets: Map<string, number>): string[] =>
  [...targets].filter(([, count]) => count >= TARGETS).map(([name]) => name);

function attackOf<Kind extends Attack["kind"]>(
  traffic: TrafficGenerator,
  kind: Kind,
): Extract<Attack, { kind: Kind }> {
  const found = traffic.truth.attacks.filter((attack) => attack.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as Extract<Attack, { kind: Kind }>;
}

function limitsOf(flows: readonly Flow[]): { firstMicros: number; lastMicros: number } {
  return {
    firstMicros: Math.min(...flows.map((flow) => flow.first)),
    lastMicros: Math.max(...flows.map((flow) => flow.first)),
  };
}

/** What the frames show equals what the truth says, and nobody else looks like an attacker. */
function recount(options: TrafficOptions): void {
  recountRound(new TrafficGenerator(options));
}

function recountRound(traffic: TrafficGenerator): void {
  const flows = flowsOf(traffic);
  const vertical = attackOf(traffic, "vertical-scan");
  const horizontal = attackOf(traffic, "horizontal-scan");
  const flood = attackOf(traffic, "syn-flood");

  const ports = targetsOf(
    flows,
    (flow) => `${textOf(flow.source)} ${textOf(flow.target)}`,
    (flow) => flow.port,
  );
  const pair = `${vertical.attacker} ${vertical.victim}`;
  expect(above(ports)).toEqual([pair]);
  expect(ports.get(pair)!).toBeGreaterThanOrEqual(200);

  const hosts = targetsOf(
    flows,
    (flow) => `${textOf(flow.source)} ${flow.port}`,
    (flow) => flow.target,
  );
  const sweep = `${horizontal.attacker} ${horizontal.port}`;
  expect(above(hosts)).toEqual([sweep]);
  expect(hosts.get(sweep)!).toBeGreaterThanOrEqual(120);

  const scanned = flows.filter((flow) => textOf(flow.source) === vertical.attacker);
  expect(new Set(scanned.map((flow) => flow.port)).size).toBe(vertical.ports);
  expect(limitsOf(scanned)).toEqual({
    firstMicros: vertical.firstMicros,
    lastMicros: vertical.lastMicros,
  });
  const swept = flows.filter((flow) => textOf(flow.source) === horizontal.attacker);
  expect(new Set(swept.map((flow) => flow.target)).size).toBe(horizontal.hosts);
  expect(limitsOf(swept)).toEqual({
    firstMicros: horizontal.firstMicros,
    lastMicros: horizontal.lastMicros,
  });

  for (const attack of traffic.truth.attacks) {
    if (attack.kind !== "password-guessing" && attack.kind !== "web-attack") continue;
    const [port, count] =
      attack.kind === "web-attack" ? [80, attack.requests] : [22, attack.attempts];
    const begun = flows.filter(
      (flow) =>
        flow.port === port &&
        textOf(flow.source) === attack.attacker &&
        textOf(flow.target) === attack.victim,
    );
    expect(begun.length).toBeGreaterThanOrEqual(count);
    expect(begun.length - count).toBeLessThan(12);
  }

  const flooding = flows.filter(
    (flow) => flow.port === flood.port && textOf(flow.target) === flood.victim,
  );
  const forged = flooding.filter(
    (flow) => flow.packets === 1 && flow.source !== scanned[0]!.source,
  );
  expect(forged).toHaveLength(flood.sources);
  expect(new Set(forged.map((flow) => flow.source)).size).toBe(flood.sources);
  expect(limitsOf(forged)).toEqual({
    firstMicros: flood.firstMicros,
    lastMicros: flood.lastMicros,
  });
}

describe("TrafficGenerator's truth equals what the frames show, with no other scanner", () => {
  test.each(Array.from({ length: 20 }, (_, i) => i + 1))("seed %d", (seed) => {
    recount({ seed, seconds: 60, scale: 0.15 });
  });

  test("of default size", () => recount({ seed: 21 }));

  test.each([22, 23, 24])("seed %d, each time it is told to go on", (seed) => {
    const traffic = new TrafficGenerator({ seed, seconds: 30, scale: 0.15 });
    recountRound(traffic);
    for (let round = 0; round < 3; round++) {
      traffic.goOn(60);
      recountRound(traffic);
    }
  });
});

test("TrafficGenerator varies the attacks: attackers inside and outside, a quarter of the scans over IPv6", () => {
  const attackers = Array.from({ length: 60 }, (_, seed) => {
    const traffic = new TrafficGenerator({ seed, seconds: 20 });
    return attackOf(traffic, "vertical-scan").attacker;
  });
  const v6Count = attackers.filter((attacker) => attacker.includes(":")).length;
  expect(v6Count).toBeGreaterThan(6);
  expect(v6Count).toBeLessThan(26);
  expect(attackers.some((attacker) => attacker.startsWith("10."))).toBe(true);
  expect(attackers.some((attacker) => attacker.startsWith("203.0.113."))).toBe(true);
  expect(new Set(attackers).size).toBeGreaterThan(50);
});
