// SPDX-License-Identifier: BSD-3-Clause
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { EXIT, messageOf, NemeanError, usageError } from "./errors.ts";

/**
 * The files that an operator names, with commas between; a folder stands for all its files, in the order of their names.
 * @param module whose messages these are
 * @throws {NemeanError} ERR_USAGE without any, ERR_INPUT for one that is not there
 */
export function inputFiles(module: string, names: string): readonly string[] {
  const all = names.split(",").flatMap((name) => name.trim() || []);
  if (all.length === 0)
    throw usageError(`${module}: name the files to read: FILE,FILE or a folder of files`);
  return all.flatMap((name) => (name === "-" ? [name] : filesOf(module, name)));
}

function filesOf(module: string, name: string): readonly string[] {
  try {
    if (!statSync(name).isDirectory()) return [name];
    const inside = readdirSync(name, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(name, entry.name))
      .toSorted();
    if (inside.length === 0) throw new Error("the folder has no files");
    return inside;
  } catch (error) {
    const why = `${module}: cannot read ${name}: ${messageOf(error)}`;
    throw new NemeanError("ERR_INPUT", EXIT.noInput, why, error);
  }
}

const HEX = /^(0x)?[0-9a-f]{1,16}$/i;

/**
 * LINK_BIT_FIELD of flows that come from files, as an operator writes it.
 * @throws {NemeanError} ERR_USAGE
 */
export function linkBits(module: string, text: string): bigint {
  if (!HEX.test(text))
    throw usageError(`${module}: -l ${text}: expected 1 to 16 hexadecimal digits`);
  return BigInt(text.toLowerCase().startsWith("0x") ? text : `0x${text}`);
}
