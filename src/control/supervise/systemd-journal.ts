// SPDX-License-Identifier: BSD-3-Clause
/** Lines that the journal has of a unit. @module */
import { type Level, printable } from "../../core/log.ts";
import type { LogLine } from "./view.ts";

/** Lines asked for at once at most. */
const LINES_MAX = 10_000;

/** Arguments for the latest lines of a unit: also those that systemd writes of it. */
export const journalArguments = (unit: string, most: number): string[] => [
  "journalctl",
  "--quiet",
  "--no-pager",
  `--unit=${unit}`,
  `--lines=${Math.max(0, Math.min(LINES_MAX, Math.trunc(most)))}`,
  "--output=json",
  "--output-fields=MESSAGE,PRIORITY",
];

/** Severities of syslog(3): those worse than an error are errors here. */
const LEVELS: readonly Level[] = [
  "error",
  "error",
  "error",
  "error",
  "warning",
  "notice",
  "info",
  "debug",
];

/** What `journalctl --output=json` writes, a line an entry; an entry that is not as it should be is left out. */
export const parseJournal = (text: string): LogLine[] => text.split("\n").flatMap(lineOf);

const MICROSECONDS = /^\d{1,16}$/;

function lineOf(json: string): LogLine[] {
  let entry: Record<string, unknown> | null;
  try {
    entry = JSON.parse(json);
  } catch {
    return [];
  }
  if (typeof entry !== "object" || entry === null) return [];
  const at = entry["__REALTIME_TIMESTAMP"];
  const message = messageOf(entry["MESSAGE"]);
  if (typeof at !== "string" || !MICROSECONDS.test(at) || message === undefined) return [];
  return [{ at: Number(at), level: levelOf(entry["PRIORITY"]), message }];
}

const levelOf = (priority: unknown): Level =>
  (typeof priority === "string" ? LEVELS[Number(priority)] : undefined) ?? "info";

/** A text; the bytes of one that is not printable UTF-8; null for one that journalctl finds too long. */
function messageOf(message: unknown): string | undefined {
  if (typeof message === "string") return printable(message);
  if (message === null) return "(a line of more than 4096 bytes: journalctl --all shows it)";
  if (!Array.isArray(message)) return undefined;
  if (message.every(isByte)) return printable(Buffer.from(message).toString());
  // An entry may have the field more than once.
  const parts = message.map(messageOf);
  return parts.includes(undefined) ? undefined : parts.join(" ");
}

const isByte = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
