// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, readFileSync, statSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../errors.ts";

/** A file of NEMEA's downloader as the originals read it: whole, and anew when it was written. For compat modes. */
export class OriginalFile {
  readonly #path: string;
  readonly #module: string;
  #read = 0;

  constructor(path: string, module: string) {
    this.#path = path;
    this.#module = module;
  }

  /** Whether a file was named at all: without one nothing is looked up. */
  get isNamed(): boolean {
    return this.#path !== "";
  }

  get exists(): boolean {
    return existsSync(this.#path);
  }

  /** Whether it was written since it was read; one that is gone was not. */
  get hasChanged(): boolean {
    const written = this.isNamed && statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs;
    return typeof written === "number" && written !== this.#read;
  }

  /** None where no file is named. @throws {NemeanError} ERR_INPUT when it cannot be read */
  lines(): string[] {
    if (!this.isNamed) return [];
    try {
      this.#read = statSync(this.#path).mtimeMs;
      return readFileSync(this.#path, "utf8").split("\n");
    } catch (error) {
      throw new NemeanError(
        "ERR_INPUT",
        EXIT.noInput,
        `${this.#module}: blacklist ${this.#path}: ${messageOf(error)}`,
      );
    }
  }
}

const BITMAP = /^\s*(\d+)/;
const BITMAP_MAX = 2n ** 64n - 1n;

/** The names or URLs of such a file, `text\bitmap` a line, with their bitmaps. */
export function bitmapsByName(lines: readonly string[]): Map<string, bigint> {
  const bitmaps = new Map<string, bigint>();
  for (const line of lines) {
    const at = line.indexOf("\\");
    const number = BigInt(BITMAP.exec(line.slice(at + 1))?.[1] ?? 0);
    if (at > 0) bitmaps.set(line.slice(0, at), number > BITMAP_MAX ? BITMAP_MAX : number);
  }
  return bitmaps;
}
