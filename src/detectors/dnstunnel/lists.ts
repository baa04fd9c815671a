// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { ipHash } from "../../core/state/hyper-log-log.ts";
import { type Address, parseIp, sameIp } from "../../core/unirec/ip.ts";
import type { Ip } from "../../core/unirec/types.ts";

const END_OF_NAME = /\.$/;

/** The items of a text, parted by commas. */
export const itemsOf = (text: string): string[] =>
  text
    .split(",")
    .map((item) => item.trim().replace(END_OF_NAME, ""))
    .filter((item) => item !== "");

/** The lines of a file, blanks left out as the original does. Throws ERR_INPUT when it cannot be read. */
export function linesOf(path: string, separator = "\n"): string[] {
  if (path === "") return [];
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .flatMap((line) => line.split(separator))
      .map((line) => line.replaceAll(/[\t\r ]/g, ""))
      .filter((line) => line !== "");
  } catch (error) {
    const why = messageOf(error);
    throw new NemeanError(
      "ERR_INPUT",
      EXIT.noInput,
      `dnstunnel: cannot read ${path}: ${why}`,
      error,
    );
  }
}

/** Addresses that are looked up without making anything. */
export class AddressList {
  readonly #byHash = new Map<number, Address[]>();

  /** Takes texts of addresses; tells `warn` of those that are none. */
  constructor(texts: readonly string[], warn: (message: string) => void) {
    for (const text of texts) {
      const address = parseIp(text);
      if (!address) {
        warn(`dnstunnel: ${JSON.stringify(text)} is no address`);
        continue;
      }
      const hash = ipHash(address);
      this.#byHash.set(hash, [...(this.#byHash.get(hash) ?? []), address]);
    }
  }

  get isEmpty(): boolean {
    return this.#byHash.size === 0;
  }

  has(ip: Ip): boolean {
    const known = this.#byHash.get(ipHash(ip));
    if (known === undefined) return false;
    for (let i = 0; i < known.length; i++) if (sameIp(known[i]!, ip)) return true;
    return false;
  }
}
