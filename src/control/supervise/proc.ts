// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";

/** What Linux says of a process. */
export interface ProcStats {
  /** CPU seconds, of all its threads. */
  readonly cpu: number;
  /** Resident bytes. */
  readonly memory: number;
  /** Whether it is stopped, by a signal or a debugger. */
  readonly isStopped: boolean;
}

/** Ticks of a second in /proc, on all of Linux. */
const TICKS = 100;
const PAGE = 4096;

/** CPU and memory of a process, proc(5); undefined when it is gone. */
export function procStats(pid: number): ProcStats | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name is in parentheses and may hold anything.
    const words = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state = "", user, system, pages] = [words[0], words[11], words[12], words[21]];
    return {
      cpu: (Number(user) + Number(system)) / TICKS,
      memory: Number(pages) * PAGE,
      isStopped: state === "T" || state === "t",
    };
  } catch {
    return undefined;
  }
}
