// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { spawn } from "bun";

/** What one run of a command cost, and what it said. */
export interface ProcessResult {
  readonly exitCode: number;
  /** User and system time of the process and of the children it waited for. */
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Peak resident memory in bytes. */
  readonly rssPeak: number;
  readonly stdout: string;
  readonly stderr: string;
}

const POLL_MILLISECONDS = 20;
const TIMEOUT_MILLISECONDS = 900_000;

/** The peak resident memory in bytes of a running process (proc(5) VmHWM), 0 when it is gone. */
const residentPeak = (pid: number | "self"): number => {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
};

/**
 * Runs a command to its end in a process of its own and measures that process.
 *
 * The kernel hands a forked child its parent's peak memory, so getrusage(2) says a small tool used
 * as much as this program. It is believed only above our own peak; below it stands what /proc said
 * of the process within the last 20 ms of its life.
 */
export const runMeasured = async (command: readonly string[]): Promise<ProcessResult> => {
  const started = performance.now();
  const child = spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIMEOUT_MILLISECONDS,
  });
  let polled = 0;
  const poll = setInterval(() => {
    polled = Math.max(polled, residentPeak(child.pid));
  }, POLL_MILLISECONDS);
  try {
    const [exitCode, stdout, stderr] = await Promise.all([
      child.exited,
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    const wallSeconds = (performance.now() - started) / 1000;
    const usage = child.resourceUsage();
    if (usage === undefined) throw new Error(`${command[0]}: the system gave no resource usage`);
    return {
      exitCode,
      cpuSeconds: Number(usage.cpuTime.total) / 1e6,
      wallSeconds,
      rssPeak: usage.maxRSS > residentPeak("self") ? usage.maxRSS : polled,
      stdout,
      stderr,
    };
  } finally {
    clearInterval(poll);
  }
};
