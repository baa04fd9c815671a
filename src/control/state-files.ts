// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, messageOf, NemeanError } from "../core/errors.ts";
import type { ModuleRunner } from "../core/runner.ts";

const fileOf = (folder: string, { name }: ModuleRunner): string => join(folder, `${name}.state`);

/** Keep each module's state in a file, written whole or not at all. Throws ERR_STATE naming the file. */
export function saveState(folder: string, modules: readonly ModuleRunner[]): void {
  for (const runner of modules) {
    const file = fileOf(folder, runner);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o750 });
      writeFileSync(`${file}.new`, runner.state.save(), { mode: 0o640 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      throw new NemeanError(
        "ERR_STATE",
        EXIT.io,
        `cannot keep the state of ${runner.name} in ${file}: ${messageOf(error)}`,
      );
    }
  }
}

/** Take back the states that are there; one of another schema, or that cannot be read, is left out with a warning. */
export function restoreState(
  folder: string,
  modules: readonly ModuleRunner[],
  onWarning: (message: string) => void,
): void {
  for (const runner of modules) {
    const file = fileOf(folder, runner);
    if (!existsSync(file)) continue;
    const kept = readState(file);
    if (typeof kept === "string") onWarning(`${runner.name} starts empty: ${file}: ${kept}`);
    else if (!runner.state.restore(kept))
      onWarning(
        `${runner.name} starts empty: ${file} was kept with other parameters or by another version`,
      );
  }
}

/** The file's bytes, or why it cannot be read. */
function readState(file: string): Uint8Array | string {
  try {
    return readFileSync(file);
  } catch (error) {
    return messageOf(error);
  }
}
