// SPDX-License-Identifier: BSD-3-Clause
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for the lists of a test file. */
export class ListFolder {
  readonly path = mkdtempSync(join(tmpdir(), "nemean-lists-"));
  #written = 1_700_000_000;

  /** Write a list of these lines, a second after the one before; returns its path. */
  write(name: string, ...lines: readonly string[]): string {
    const path = join(this.path, name);
    writeFileSync(path, `${lines.join("\n")}\n`);
    this.#written++;
    utimesSync(path, this.#written, this.#written);
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
