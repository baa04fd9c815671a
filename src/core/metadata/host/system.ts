// SPDX-License-Identifier: BSD-3-Clause
/** What the operating system says of itself. @module */
import { readFileSync } from "node:fs";
import { hostname, machine, release } from "node:os";

/** Of the system that the meter runs on, in osquery's words. */
export interface System {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  readonly build: string;
  readonly platform: string;
  readonly platformLike: string;
  readonly arch: string;
  readonly kernel: string;
  readonly host: string;
}

const ASSIGNMENT = /^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(.*))$/;
const NUMBER_MAX = 0xffff;

/** Text of a file; empty when it cannot be read. */
export function textFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

const numberOf = (text: string | undefined): number =>
  Math.min(Number.parseInt(text ?? "", 10) || 0, NUMBER_MAX);

/** Assignments of a file as os-release(5). */
export function assignments(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = ASSIGNMENT.exec(line.trim());
    if (match) found.set(match[1]!, match[2] ?? match[3] ?? match[4] ?? "");
  }
  return found;
}

/** Ask the system; what it does not tell is empty. */
export function readSystem(osRelease = "/etc/os-release"): System {
  const facts = assignments(textFile(osRelease));
  const [major, minor] = (facts.get("VERSION_ID") ?? "").split(".");
  return {
    name: facts.get("NAME") ?? "",
    major: numberOf(major),
    minor: numberOf(minor),
    build: facts.get("BUILD_ID") ?? "",
    platform: facts.get("ID") ?? process.platform,
    platformLike: facts.get("ID_LIKE") ?? "",
    arch: machine(),
    kernel: release(),
    host: hostname(),
  };
}
