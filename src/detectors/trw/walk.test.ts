// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { params } from "./fields.ts";
import { OUTCOME, outcomeOf } from "./outcome.ts";
import { Walk } from "./walk.ts";

/** The paper's parameters, which are the defaults. */
const PAPER = {
  successBenign: params.successBenign.default,
  successScanner: params.successScanner.default,
  falseAlarms: params.falseAlarms.default,
  detection: params.detection.default,
};
const HOSTS = 20_000;

/** Equal in each run: mulberry32. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Hosts whose contacts succeed by chance: after how many each was decided, and how many were taken for scanners. */
function simulated(success: number) {
  const walk = new Walk(PAPER);
  const chance = dice(1);
  const attempts: number[] = [];
  let scanners = 0;
  for (let i = 0; i < HOSTS; i++) {
    let at = 0;
    let steps = 0;
    while (!walk.isScanner(at) && !walk.isBenign(at)) {
      at = walk.step(at, chance() < success);
      steps++;
    }
    attempts.push(steps);
    if (walk.isScanner(at)) scanners++;
  }
  attempts.sort((a, b) => a - b);
  return {
    scanners: scanners / HOSTS,
    median: attempts[HOSTS / 2]!,
    mean: attempts.reduce((sum, each) => sum + each, 0) / HOSTS,
  };
}

describe("trw's walk", () => {
  test("trw has the paper's parameters: 0.8, 0.2, 0.01, 0.99", () => {
    expect(PAPER).toEqual({
      successBenign: 0.8,
      successScanner: 0.2,
      falseAlarms: 0.01,
      detection: 0.99,
    });
    const walk = new Walk(PAPER);
    expect(Math.exp(walk.failure)).toBeCloseTo(4, 10);
    expect(Math.exp(walk.success)).toBeCloseTo(0.25, 10);
    expect(Math.exp(walk.scanner)).toBeCloseTo(99, 10);
    expect(Math.exp(walk.benign)).toBeCloseTo(1 / 99, 10);
  });

  test("trw decides at the fourth contact of a host whose contacts all fail, or all succeed", () => {
    expect(simulated(0)).toEqual({ scanners: 1, median: 4, mean: 4 });
    expect(simulated(1)).toEqual({ scanners: 0, median: 4, mean: 4 });
  });

  test("trw decides within 4 to 6 attempts in simulation, with the promised shares of errors", () => {
    // The bounds are four steps away, so by the gambler's ruin 1 / (1 + (1/4)^4) = 99.6 % of the scanners come to theirs, and both
    // take 4 (1 - 2 / 257) / 0.6 = 6.6 contacts on average; half of them at most 6.
    const scanners = simulated(PAPER.successScanner);
    expect(scanners.scanners).toBeGreaterThanOrEqual(PAPER.detection);
    expect(scanners.median).toBeWithin(4, 6 + 1);
    expect(scanners.mean).toBeCloseTo(6.6, 0);
    const harmless = simulated(PAPER.successBenign);
    expect(harmless.scanners).toBeLessThanOrEqual(PAPER.falseAlarms);
    expect(harmless.median).toBeWithin(4, 6 + 1);
    expect(harmless.mean).toBeCloseTo(6.6, 0);
    // The failures that the paper found of scanners in its traces are far more than 80 %.
    const real = simulated(0.05);
    expect(real.mean).toBeLessThan(5);
  });

  test("trw's walk stays at its bounds, and comes back from one to the other in seven", () => {
    const walk = new Walk(PAPER);
    let at = 0;
    for (let i = 0; i < 100; i++) at = walk.step(at, true);
    for (let i = 0; i < 6; i++) at = walk.step(at, false);
    expect(walk.isScanner(at)).toBe(false);
    expect(walk.isScanner(walk.step(at, false))).toBe(true);
  });

  test("trw refuses chances that leave nothing to decide", () => {
    expect(() => new Walk({ ...PAPER, successScanner: 0.8 })).toThrow("successScanner <");
    expect(() => new Walk({ ...PAPER, successScanner: 0 })).toThrow("successScanner <");
    expect(() => new Walk({ ...PAPER, detection: 1 })).toThrow("detection < 1");
  });
});

describe("trw's outcomes", () => {
  const [SYN, RST, ACK] = [2, 4, 16];
  const CONNECTION = 0x1b;
  const { failure, success, none } = OUTCOME;
  test.each([
    { what: "a connection", flags: CONNECTION, answer: CONNECTION, answers: 5, is: success },
    { what: "a port found open", flags: SYN | RST, answer: SYN | ACK, answers: 1, is: success },
    { what: "no answer", flags: SYN, answer: 0, answers: 0, is: failure },
    { what: "a refusal", flags: SYN, answer: RST | ACK, answers: 1, is: failure },
    { what: "two resets", flags: SYN | RST, answer: RST, answers: 1, is: failure },
    { what: "answers unseen", flags: CONNECTION, answer: 0, answers: 0, is: success },
    { what: "an answer that is neither", flags: SYN, answer: ACK, answers: 1, is: none },
    { what: "a slice of a connection", flags: 0x18, answer: 0x18, answers: 9, is: none },
    { what: "a record without flags", flags: 0, answer: 0, answers: 0, is: none },
  ])("trw knows what became of a contact: $what", ({ flags, answer, answers, is }) => {
    expect(outcomeOf(flags, answer, answers)).toBe(is);
  });
});
