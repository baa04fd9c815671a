// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { ListSets } from "../../core/threat-list/list-sets.ts";
import {
  AddressMatcher,
  DomainMatcher,
  type Marked,
  type Matcher,
} from "../../core/threat-list/matcher.ts";
import { NameTable } from "../../core/threat-list/name-table.ts";
import { swap } from "../../core/unirec/ip.ts";
import type { IpField } from "../../core/unirec/types.ts";

/** The number of the one list of a parameter. */
const LIST = 1;
const JA4 = /^[tqd][0-9sd][0-9][di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/i;

/** JA4 fingerprints of threat lists. */
export class Ja4Matcher implements Matcher {
  /** Read as names are: the formats know of no fingerprints. */
  readonly kind = "domain";
  readonly sets = new ListSets();
  readonly names = new NameTable(this.sets, false);

  get byteLength(): number {
    return this.names.byteLength;
  }

  add(value: string, marked?: Marked): string | undefined {
    if (!JA4.test(value)) return "is no JA4 fingerprint";
    if (!marked) return undefined;
    const bytes = Buffer.from(value, "latin1");
    const set = marked() ?? 0;
    return this.names.add(bytes, 0, bytes.length, set) ? undefined : "is too much text";
  }
}

/** Addresses, prefixes and names of a parameter, by commas. */
export class Named {
  readonly #addresses = new AddressMatcher();
  readonly #names = new DomainMatcher();

  /** Throws ERR_PARAM for what is neither. */
  constructor(text: string, param: string) {
    for (const item of text.split(",").map((part) => part.trim()))
      if (item !== "" && !this.#takes(item))
        throw paramError(
          `tlsintel: ${param}: ${JSON.stringify(item.slice(0, 60))} is no address, prefix or name`,
        );
  }

  #takes(item: string): boolean {
    for (const matcher of [this.#addresses, this.#names])
      if (matcher.add(item, () => matcher.sets.of(LIST)) === undefined) return true;
    return false;
  }

  hasAddress(ip: IpField): boolean {
    const { v4, v6 } = this.#addresses;
    if (ip.isV4) return v4.find(ip.v4 | 0, 0, 0, 0) !== 0;
    return v6.find(swap(ip.w0), swap(ip.w1), swap(ip.w2), swap(ip.w3)) !== 0;
  }

  /** Whether the bytes are a name, or below one. */
  hasName(bytes: Uint8Array, from: number, to: number): boolean {
    return this.#names.names.findDomain(bytes, from, to) !== 0;
  }
}
