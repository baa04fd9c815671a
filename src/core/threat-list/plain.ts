// SPDX-License-Identifier: BSD-3-Clause
import { type Intake, quoted } from "./intake.ts";
import { lines } from "./lines.ts";

/** What follows on a line for people: `#` and `;` in front or after a blank, `//` and `!` in front. */
const COMMENT = /^(?:#|;|\/\/|!).*$|[ \t][#;].*$/;
const BLANK = /[ \t]+/;
/** The address that a hosts file gives to names that shall lead nowhere. */
const NOWHERE = new Set(["0.0.0.0", "127.0.0.1", "::", "::1"]);
/** A filter list's rule for a name and all below it. */
const RULE = /^\|\|([^/^$*]+)\^$/;

/** One value a line; for names also hosts files (`0.0.0.0 name`) and rules of filter lists (`||name^`). */
export const plain = (text: string, into: Intake): Generator<undefined> =>
  lines(text, into, (line) => {
    const value = line.replace(COMMENT, "").trim();
    if (value === "") return;
    const [first = "", second, third] = value.split(BLANK);
    if (second === undefined)
      into.take(into.kind === "domain" ? (RULE.exec(value)?.[1] ?? value) : value);
    else if (into.kind !== "domain" || third !== undefined || !NOWHERE.has(first))
      into.refuse(`${quoted(value)} is more than one value; a table is format=csv`);
    // Names of the machine itself have one label.
    else if (second.includes(".")) into.take(second);
    else into.unused++;
  });
