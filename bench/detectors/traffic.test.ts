// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { AnyModule } from "../../src/core/module.ts";
import { plainRecord, reader } from "../../src/core/unirec/reader.ts";
import { parseTemplate } from "../../src/core/unirec/template.ts";
import { Random } from "../capture/random.ts";
import { Flow } from "./flow.ts";
import { MeterPorts } from "./ports.ts";
import { type Kind, Traffic } from "./traffic.ts";
import { Zipf } from "./zipf.ts";

const HOSTS = 1 << 10;
const COUNT = 20_000;
const plan = (kind: Kind) => ({ kind, hosts: HOSTS, exponent: 1.1 });

/** What is looked at, of some flows of a kind. */
function flows(kind: Kind, count = COUNT) {
  const traffic = new Traffic(plan(kind));
  const flow = new Flow();
  return Array.from({ length: count }, (_, i) => {
    traffic.next(flow, 1e15 + i);
    const { source, target, name, first, last } = flow;
    return {
      ...flow,
      source: String(source),
      target: String(target),
      name: name && new TextDecoder().decode(name),
      lasts: last - first,
    };
  });
}
const share = <T>(all: readonly T[], is: (one: T) => boolean): number =>
  all.filter(is).length / all.length;

test("Zipf draws each rank as often as the law says", () => {
  const random = new Random(7);
  const zipf = new Zipf(64, 1.1);
  const draws = Array.from({ length: 200_000 }, () => zipf.draw(random));
  const weights = Array.from({ length: 64 }, (_, rank) => (rank + 1) ** -1.1);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  for (const rank of [0, 1, 7, 63])
    expect(share(draws, (drawn) => drawn === rank)).toBeCloseTo(weights[rank]! / sum, 2);
  const even = new Zipf(64, 0);
  const drawn = Array.from({ length: 200_000 }, () => even.draw(random));
  expect(share(drawn, (rank) => rank === 0)).toBeCloseTo(1 / 64, 2);
  expect(new Set(drawn).size).toBe(64);
});

test("Traffic makes equal flows of equal plans", () => {
  expect(flows("mix", 2000)).toEqual(flows("mix", 2000));
});

test("Traffic mixes DNS, scans, UDP and TCP, and IPv6 among them, as it says", () => {
  const mix = flows("mix");
  const shares = {
    dns: share(mix, ({ name }) => name !== undefined),
    scan: share(mix, ({ flags }) => flags === 2),
    udp: share(mix, ({ protocol, name }) => protocol === 17 && name === undefined),
    v6: share(mix, ({ source }) => source.includes(":")),
  };
  for (const [what, said] of Object.entries({ dns: 0.05, scan: 0.03, udp: 0.2, v6: 0.15 }))
    expect(Math.abs(shares[what as keyof typeof shares] - said)).toBeLessThan(0.01);
  for (const { lasts } of mix) expect(lasts).toBeGreaterThanOrEqual(0);
});

test("Traffic tries one port of many hosts in a sweep, many of one host otherwise", () => {
  const scannedBy = (kind: Kind) => flows(kind, 64 * 100).filter((_, i) => i % 64 === 2);
  const sweep = scannedBy("sweep");
  expect(new Set(sweep.map(({ targetPort }) => targetPort)).size).toBe(1);
  expect(new Set(sweep.map(({ target }) => target)).size).toBe(100);
  const ports = scannedBy("ports");
  expect(new Set(ports.map(({ targetPort }) => targetPort)).size).toBe(100);
  expect(new Set(ports.map(({ target }) => target)).size).toBe(1);
  for (const { packets, flags } of [...sweep, ...ports]) expect([packets, flags]).toEqual([1, 2]);
});

test("Traffic of spoofed flows has no address and no name twice", () => {
  const spoofed = flows("spoofed");
  expect(new Set(spoofed.map(({ source }) => source)).size).toBe(COUNT);
  expect(new Set(spoofed.map(({ target }) => target)).size).toBe(COUNT);
  const names = spoofed.flatMap(({ name }) => name ?? []);
  expect(names).toHaveLength(COUNT / 4);
  expect(new Set(names).size).toBe(COUNT / 4);
});

test("MeterPorts has flows for everybody, and flows with names for those who read names", () => {
  const reads = (spec: string): AnyModule => ({
    name: "reads",
    about: "Reads.",
    params: {},
    inputs: { flows: parseTemplate(spec, "biflow") },
    outputs: {},
    setup: () => ({ flows: () => {} }),
  });
  const [any, names, sip] = [
    "uint16 SRC_PORT",
    "uint16 SRC_PORT,string DNS_NAME",
    "uint16 SIP_STATUS_CODE",
  ].map(reads);
  const meter = new MeterPorts([any!, names!, sip!]);
  const [basic, dns, calls] = [any!, names!, sip!].map(({ inputs }) => {
    const [port] = meter.for(inputs["flows"]!);
    const rows: Record<string, unknown>[] = [];
    const cursor = reader(port!.out.template);
    port!.out.link({
      receive(batch) {
        cursor.reset(batch);
        while (cursor.next()) rows.push(plainRecord(cursor, port!.out.template));
      },
      advance: () => {},
      end: () => {},
    });
    return rows;
  });
  const traffic = new Traffic(plan("mix"));
  const flow = new Flow();
  for (let i = 0; i < 3000; i++) {
    traffic.next(flow, 1e15 + i);
    for (const port of meter.all) port.put(flow);
  }
  for (let i = 0; i < 2; i++)
    for (const port of meter.all) {
      port.deliver();
      port.clear();
    }
  expect(basic).toHaveLength(3000);
  const asked = basic!.filter((row) => row["PROTOCOL"] === 17 && row["DST_PORT"] === 53);
  const sourcePorts = (rows: Record<string, unknown>[]) => rows.map((row) => row["SRC_PORT"]);
  expect(sourcePorts(dns!)).toEqual(sourcePorts(asked));
  expect(share(dns!, (row) => /^[a-z0-9.]+example$/.test(String(row["DNS_NAME"])))).toBe(1);
  expect(calls!.length).toBeGreaterThan(0);
  expect(share(calls!, (row) => row["DST_PORT"] === 5060)).toBe(1);
});
