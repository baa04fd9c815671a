// SPDX-License-Identifier: BSD-3-Clause
/** What a process and all that it started take of the machine, by proc(5). @module */
import { readdirSync, readFileSync } from "node:fs";
import { procStats } from "../../src/control/supervise/proc.ts";

export interface Usage {
  readonly processes: number;
  /** Resident memory, megabytes. */
  readonly megabytes: number;
  /** Open descriptors. */
  readonly descriptors: number;
}

/** The process and its descendants that live now. */
export function treeOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
  return [pid, ...children.flatMap((child) => treeOf(Number(child)))];
}

export function usageOf(root: number): Usage {
  const pids = treeOf(root);
  let [megabytes, descriptors] = [0, 0];
  for (const pid of pids) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    megabytes += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
    descriptors += readdirSync(`/proc/${pid}/fd`).length;
  }
  return { processes: pids.length, megabytes, descriptors };
}

/** CPU seconds of the process and its descendants so far. */
export const cpuSecondsOf = (root: number): number =>
  treeOf(root).reduce((sum, pid) => sum + (procStats(pid)?.cpu ?? 0), 0);
