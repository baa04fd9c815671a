// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { EXIT, messageOf, NemeanError } from "../errors.ts";

const COMMENT = /<!--[\s\S]*?-->/g;
const ELEMENT = /<element\s+name\s*=\s*"([^"<>]*)"\s*>([^<]*)<\/element>/g;
const ENTITY = /&(amp|lt|gt|quot|apos);/g;
const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** What a configuration of NEMEA's blacklist filters (`-c FILE`) says, by element. */
export class FilterConfig {
  readonly #path: string;
  readonly #elements: ReadonlyMap<string, string>;

  /** @throws {NemeanError} ERR_INPUT when it cannot be read */
  constructor(path: string, module: string) {
    this.#path = path;
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      throw new NemeanError(
        "ERR_INPUT",
        EXIT.noInput,
        `${module}: -c ${path}: ${messageOf(error)}`,
      );
    }
    this.#elements = new Map(
      [...text.replace(COMMENT, "").matchAll(ELEMENT)].map(([, name = "", value = ""]) => [
        name,
        value.replace(ENTITY, (_, entity: string) => ENTITIES[entity]!).trim(),
      ]),
    );
  }

  /**
   * The file that an element names, empty when there is none. A relative path starts from the working directory, as the original
   * has it; where nothing is there, from the configuration's folder.
   */
  file(element: string): string {
    const path = this.#elements.get(element) ?? "";
    return path === "" || isAbsolute(path) || existsSync(path)
      ? path
      : join(dirname(this.#path), path);
  }

  isOn(element: string): boolean {
    return this.#elements.get(element)?.toLowerCase() === "true";
  }
}
