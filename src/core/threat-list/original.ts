// SPDX-License-Identifier: BSD-3-Clause
/** The files of NEMEA's blacklist filters, as its downloader writes them. @module */

import { type Intake, type Mark, quoted } from "./intake.ts";
import { lines } from "./lines.ts";
import { LISTS_MAX } from "./list-sets.ts";

const DECIMAL = /^[0-9]{1,20}$/;
const BITMAP_MAX = 2n ** 64n;
/** Bitmap of the adaptive filter's lines, which name a capture that is under way and no list. */
const ADAPTIVE = "999";

/** `ip[/prefix],bitmap[;list:port,port…]…`, `name\bitmap` or `url\bitmap`; bit 0 of a bitmap is list 1. */
export const original = (text: string, into: Intake): Generator<undefined> =>
  lines(text, into, (line) => {
    if (line.trim() === "") return;
    const separator = into.kind === "ip" ? "," : "\\";
    const at = into.kind === "ip" ? line.indexOf(separator) : line.lastIndexOf(separator);
    if (at < 0) {
      into.refuse(`${quoted(line)} has no bitmap behind a ${separator}`);
      return;
    }
    const [marks = "", ...groups] = line.slice(at + 1).split(";");
    if (marks.startsWith(`${ADAPTIVE},`)) {
      into.unused++;
      return;
    }
    const mark = markOf(marks.trim(), groups);
    if (typeof mark === "string") into.refuse(`${quoted(line)} ${mark}`);
    else into.take(line.slice(0, at).trim(), mark);
  });

/** The lists of a line, or what is wrong with it. */
function markOf(marks: string, groups: readonly string[]): Mark | string {
  const bitmap = DECIMAL.test(marks) ? BigInt(marks) : 0n;
  if (bitmap === 0n || bitmap >= BITMAP_MAX) return "has no bitmap of 64 bits";
  const ports = new Map<number, number[]>();
  for (const group of groups) {
    const [list = "", numbers = ""] = group.split(":");
    const known = ports.get(numberIn(list, LISTS_MAX)) ?? [];
    const added = numbers.split(",").map((port) => numberIn(port, 65_535));
    if (numberIn(list, LISTS_MAX) < 1 || added.some((port) => port < 0))
      return "has ports that are none: expected ;list:port,port";
    ports.set(numberIn(list, LISTS_MAX), [...known, ...added]);
  }
  return { bitmap, ports };
}

/** A number up to `max`; -1 when it is none. */
function numberIn(text: string, max: number): number {
  const number = DECIMAL.test(text.trim()) ? Number(text) : -1;
  return number <= max ? number : -1;
}
