// SPDX-License-Identifier: BSD-3-Clause
import { accessSync, constants } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import { globPaths } from "./file-glob.ts";
import { shellWords } from "./shell-words.ts";

/** Stands for the descriptor that the process already has. */
export const STANDARD_INPUT = "/dev/stdin";

const cannotRead = (pattern: string, why: string): NemeanError =>
  new NemeanError("ERR_TRAP", EXIT.noInput, `interface "f:${pattern}": ${why}`);

/**
 * The files that a pattern names, words in order, the matches of each sorted.
 * @throws {NemeanError} ERR_TRAP for a word without a file, and for a file that must not be read
 */
export function filePaths(pattern: string): string[] {
  const words = shellWords(pattern);
  if (words.length === 0) throw cannotRead(pattern, "names no file; f:PATH is expected");
  const paths: string[] = [];
  for (const { text, pattern: wild } of words) {
    const found = wild === undefined ? [text] : globPaths(wild);
    if (found.length === 0) throw cannotRead(pattern, `no file matches ${text}; see what is there`);
    paths.push(...found);
  }
  for (const path of paths) {
    try {
      if (path !== STANDARD_INPUT) accessSync(path, constants.R_OK);
    } catch (error) {
      throw cannotRead(pattern, `cannot read ${path}: ${messageOf(error)}; check name and access`);
    }
  }
  return paths;
}
