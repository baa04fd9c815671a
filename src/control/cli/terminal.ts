// SPDX-License-Identifier: BSD-3-Clause
/** What the command line shows to a person. @module */
import type { Alert, Endpoint } from "../../core/alert.ts";
import { EXIT, NemeanError } from "../../core/errors.ts";
import { printable, printableJson } from "../../core/log.ts";
import { timeText } from "../../core/unirec/time.ts";
import { writeAll } from "../../core/write-all.ts";
import { ConfigError } from "../config/problem.ts";

/**
 * Write a line to standard error: messages and progress, so that standard output stays data. What could move the
 * cursor is written as its code, since names of files and text from the wire end up here.
 */
export function say(text: string): void {
  sayColored(printable(text));
}

/** The same for a line that is safe already and has colors. */
export function sayColored(line: string): void {
  toPerson(`${line}\n`);
}

/** Write to standard error what is safe already. Nobody is left to hear that it is gone; the work goes on. */
export function toPerson(text: string): void {
  try {
    writeAll(2, Buffer.from(text), "standard error");
  } catch {}
}

/** Write to standard output; a reader that has gone away (`| head`) ends the process quietly. */
export function print(text: string): void {
  try {
    writeAll(1, Buffer.from(text), "standard output");
  } catch (error) {
    if (error instanceof NemeanError && error.exitCode === EXIT.ok) process.exit(EXIT.ok);
    throw error;
  }
}

/** Say why a run failed; returns the exit code. Quiet when all that happened is that the reader has gone. */
export function sayFailure(failure: Error | { message: string; exitCode: number }): number {
  const exitCode = "exitCode" in failure ? failure.exitCode : EXIT.software;
  if (exitCode === EXIT.ok) return exitCode;
  // What is wrong with a configuration is a list; a newline in another message came from outside.
  const lines = failure instanceof ConfigError ? failure.lines : [failure.message];
  for (const line of lines) say(`nemean: ${line}`);
  return exitCode;
}

/** Alerts on standard output: JSON Lines, or readable and in color when a terminal reads them. */
export function printAlert(alert: Alert, json: boolean): void {
  print(json ? `${printableJson(JSON.stringify(alert))}\n` : `${alertLine(alert, true)}\n`);
}

const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;
export type SeverityName = (typeof SEVERITIES)[number];

/** The name of a severity from 0 to 10: 0 info, 1-3 low, 4-6 medium, 7-8 high, 9-10 critical. */
export const severityName = (severity: number): SeverityName =>
  SEVERITIES[severity < 1 ? 0 : severity < 4 ? 1 : severity < 7 ? 2 : severity < 9 ? 3 : 4]!;

const COLOR: Record<SeverityName, number> = {
  info: 90,
  low: 36,
  medium: 33,
  high: 31,
  critical: 35,
};

const endpointText = ({ ip, port, count }: Endpoint): string => {
  const host = ip ?? (count === undefined ? "?" : `${count} hosts`);
  if (port === undefined || port === 0) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
};

/** One line that tells of an alert. Safe on a terminal: nothing in it moves the cursor. */
export function alertLine(alert: Alert, color: boolean): string {
  const name = severityName(alert.severity);
  const badge = name.toUpperCase().padEnd(8);
  const state = alert.update === 0 ? alert.state : `${alert.state}, update ${alert.update}`;
  const text = printable(
    `${alert.detector.padEnd(12)} ${endpointText(alert.source)} -> ${endpointText(alert.target)}  ${alert.reason} [${state}]`,
  );
  return `${timeText(alert.lastTime).slice(0, 19)}Z  ${color ? `\u001b[${COLOR[name]}m${badge}\u001b[0m` : badge} ${text}`;
}

/** 1,234,567. */
export const grouped = (n: number): string => Math.round(n).toLocaleString("en-US");

const BAR = 30;

/** A progress bar on standard error, when that is a terminal. */
export class Progress {
  readonly #shown = process.stderr.isTTY === true;
  #next = 0;

  update(fraction: number | undefined, text: string): void {
    if (!this.#shown || performance.now() < this.#next) return;
    this.#next = performance.now() + 100;
    const done = Math.round((fraction ?? 0) * BAR);
    const bar =
      fraction === undefined
        ? ""
        : `[${"=".repeat(done)}${" ".repeat(BAR - done)}] ${Math.floor(fraction * 100)}% `;
    toPerson(`\r\u001b[K${bar}${text}`);
  }

  clear(): void {
    if (this.#shown) toPerson("\r\u001b[K");
  }
}
