// SPDX-License-Identifier: BSD-3-Clause
/** Alerts recorded from NEMEA's own detectors, against those of ours in compat mode. @module */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { AnyModule } from "../module.ts";
import { type Row, runText } from "./run-module.ts";
import { hasShared, NO_SHARED, sharedPath } from "./shared.ts";

/** Wall seconds of the detector for each second of a paced input, where the recording says no other. */
const CLOCK_RATE = 100;
const INPUT = ".in.csv";

export interface GoldenOptions {
  /** Cases outside the score: name and why. They are run nevertheless. */
  readonly excluded?: Readonly<Record<string, string>>;
  /** Columns of the alerts that come of chance or of the machine's clock: not compared. */
  readonly masked?: readonly string[];
  /** Whether alerts have no order. */
  readonly unordered?: boolean;
  /** Wall seconds for each second of the input's pacing column, of cases recorded with another rate than 100. */
  readonly clockRates?: Readonly<Record<string, number>>;
}

/** Run each recorded case of a detector; `params` has those of the cases recorded with options. */
export function testGolden(
  name: string,
  def: AnyModule,
  params: Readonly<Record<string, Row>> = {},
  { excluded = {}, masked = [], unordered, clockRates }: GoldenOptions = {},
): void {
  const folder = `golden/detectors/${name}`;
  if (!hasShared(folder)) {
    test.skip(`${name} golden cases (${NO_SHARED})`, () => {});
    return;
  }
  const cases = readdirSync(sharedPath(folder))
    .filter((file) => file.endsWith(INPUT))
    .map((file) => file.slice(0, -INPUT.length))
    .sort();

  describe(`${name}, golden cases:`, () => {
    const counted = cases.filter((item) => !(item in excluded));
    const equal = new Set<string>();

    test.each(cases)(`${name} sends in compat mode what the original sent: %s`, (item) => {
      const text = (suffix: string): string =>
        readFileSync(sharedPath(folder, `${item}${suffix}`), "utf8");
      const sent = runText(def, text(INPUT), {
        params: { compat: "nemea", ...params[item] },
        clockRate: clockRates?.[item] ?? CLOCK_RATE,
      }).text["alerts"]!;
      const alerts = (csv: string): string[] =>
        alertLines(csv, { masked, ...(unordered ? { unordered } : {}) });
      expect(alerts(sent)).toEqual(alerts(text(".out.csv")));
      equal.add(item);
    });

    test(`${name} equals the original in all ${counted.length} cases that count`, () => {
      const score = counted.filter((item) => equal.has(item)).length;
      process.stdout.write(`${name}: ${score}/${counted.length} golden cases equal\n`);
      expect(score).toBe(counted.length);
    });
  });
}

/** Header and records; an output to which nothing was ever sent has neither, ours always has the header. */
export function alertLines(
  csv: string,
  { masked = [], unordered }: Pick<GoldenOptions, "masked" | "unordered">,
): string[] {
  const [header = "", ...records] = csv.split("\n").filter((line) => line !== "");
  if (records.length === 0) return [];
  const names = header.split(",").map((field) => field.split(" ")[1]!);
  const hidden = masked.map((name) => names.indexOf(name)).filter((column) => column >= 0);
  const lines = records.map((line) => {
    // Masked columns are numbers and times, and stand before all text.
    const cells = line.split(",");
    for (const column of hidden) cells[column] = "*";
    return cells.join(",");
  });
  return [header, ...(unordered ? lines.sort() : lines)];
}
