// SPDX-License-Identifier: BSD-3-Clause
/** What all processes of a running product take together. @module */
import { readFileSync } from "node:fs";
import { procStats } from "../../src/control/supervise/proc.ts";

/** A process and its children: all of the product. */
export const processes = (pid: number): number[] => [
  pid,
  ...readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter(Boolean)
    .map(Number),
];

/** CPU seconds of all of them so far. */
export const cpuSeconds = (pid: number): number =>
  processes(pid).reduce((sum, each) => sum + (procStats(each)?.cpu ?? 0), 0);
