// SPDX-License-Identifier: BSD-3-Clause
/** What a process that is killed leaves behind. @module */
import { existsSync, readFileSync } from "node:fs";

export const queueFile = "delivery.sqlite";
export const CRASH_SINKS = ["one", "two"] as const;
export const receivedFile = (sink: string): string => `received-${sink}`;
export const acksFile = (run: number): string => `acks-${run}`;

/** An alert as a sink wrote it down. */
export interface Received {
  readonly number: number;
  readonly id: string;
  readonly update: number;
}

/** The lines that were written to their end. */
const linesOf = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];

/** The last number that was acknowledged, with all before it; undefined when none was. */
export const lastAck = (path: string): number | undefined => {
  const last = linesOf(path).at(-1);
  return last === undefined ? undefined : Number(last);
};

/** What a sink received, apart by the runs of the process. A line that was cut off is none. */
export function receivedByRun(path: string): Received[][] {
  const runs: Received[][] = [];
  for (const line of linesOf(path)) {
    if (!line.endsWith(" .")) continue;
    const [number = "", id = "", update] = line.slice(0, -2).split(" ");
    if (number === "run") runs.push([]);
    else runs.at(-1)?.push({ number: Number(number), id, update: Number(update) });
  }
  return runs;
}
