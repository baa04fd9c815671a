// SPDX-License-Identifier: BSD-3-Clause
import { Database } from "bun:sqlite";
import { mkdirSync, writeFileSync } from "node:fs";

/** What a test does to a path before it is opened, the words the operator reads then, and the exit code. */
export type Unusable = readonly [
  name: string,
  make: (path: string) => void,
  words: RegExp,
  exitCode: number,
];

/** What none of the product's databases can be made from. */
export const UNUSABLE: readonly Unusable[] = [
  ["a folder", (path) => mkdirSync(path), /folder must exist, be writable/, 73],
  [
    "a text file",
    (path) => writeFileSync(path, "hello ".repeat(999)),
    /is not a database; choose/,
    78,
  ],
  [
    "another program's database",
    (path) => {
      using raw = new Database(path);
      raw.run("CREATE TABLE bookmarks (url)");
    },
    /another program; choose/,
    78,
  ],
];

/** A database that a newer version has changed: how it does so is the caller's. */
export const newer = (make: (path: string) => void): Unusable => [
  "a newer version's database",
  make,
  /newer version of Nemean; run that version/,
  78,
];
