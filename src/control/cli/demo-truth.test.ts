// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { numberedAlert } from "../../core/testing/alerts.ts";
import type { Attack, Mining, SynFlood, VerticalScan } from "../../core/traffic/truth.ts";
import { foundBy, isAbout, truthLines } from "./demo-truth.ts";

const WHEN = { firstMicros: 1, lastMicros: 2 } as const;
const SCAN: VerticalScan = {
  kind: "vertical-scan",
  attacker: "192.0.2.7",
  victim: "10.0.0.1",
  ports: 1200,
  ...WHEN,
};
const FLOOD: SynFlood = {
  kind: "syn-flood",
  victim: "10.0.0.1",
  port: 80,
  sources: 3000,
  ...WHEN,
};
const MINING: Mining = {
  kind: "mining",
  attacker: "10.0.0.2",
  pool: "192.0.2.9",
  port: 3333,
  ...WHEN,
};

const alert = (detector: string, source: string | undefined, target: string | undefined) =>
  numberedAlert(1, {
    detector,
    source: source === undefined ? { count: 9 } : { ip: source },
    target: target === undefined ? { count: 9 } : { ip: target },
  });

describe("foundBy", () => {
  test("names each detector once that has attacker and victim right", () => {
    const alerts = [
      alert("vportscan", SCAN.attacker, SCAN.victim),
      alert("hoststats", SCAN.attacker, undefined),
      alert("hoststats", undefined, SCAN.victim),
    ];
    expect(foundBy(SCAN, alerts)).toEqual(["hoststats", "vportscan"]);
  });

  test.each([
    ["another attacker", alert("vportscan", "192.0.2.8", SCAN.victim)],
    ["another victim", alert("vportscan", SCAN.attacker, "10.0.0.3")],
    ["nobody", alert("vportscan", undefined, undefined)],
    ["both, but is made for something else", alert("dga", SCAN.attacker, SCAN.victim)],
  ])("passes over an alert that names %s", (_, other) => {
    expect(foundBy(SCAN, [other])).toEqual([]);
  });

  test("takes a victim whose attackers are too many to name, and a pool", () => {
    expect(foundBy(FLOOD, [alert("volumetric", undefined, FLOOD.victim)])).toEqual(["volumetric"]);
    expect(foundBy(MINING, [alert("miner", MINING.attacker, MINING.pool)])).toEqual(["miner"]);
    expect(foundBy(MINING, [alert("miner", MINING.attacker, "192.0.2.10")])).toEqual([]);
  });
});

test("isAbout() asks whether an alert names somebody with a part in the attack, on whichever side", () => {
  expect(isAbout(SCAN, alert("dga", "10.0.0.5", SCAN.attacker))).toBe(true);
  expect(isAbout(SCAN, alert("vportscan", "10.0.0.5", "10.0.0.6"))).toBe(false);
  expect(isAbout(FLOOD, alert("volumetric", undefined, undefined))).toBe(false);
});

test("truthLines() has a line for each attack, with what was found and what was not", () => {
  const attacks: Attack[] = [SCAN, FLOOD];
  expect(truthLines(attacks, [alert("volumetric", undefined, FLOOD.victim)])).toEqual([
    "vertical scan: 192.0.2.7 -> 10.0.0.1, 1,200 ports [not found]",
    "SYN flood: 3,000 spoofed sources -> 10.0.0.1, port 80 [volumetric]",
  ]);
});
