// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { AddressMatcher, DomainMatcher, type Matcher } from "../../core/threat-list/matcher.ts";
import { swap } from "../../core/unirec/ip.ts";
import type { IpField } from "../../core/unirec/types.ts";

/** The number of the one list there is. */
const LIST = 1;

/** Put what a parameter names by commas into a matcher. Throws ERR_PARAM that says what is wrong. */
function filled<M extends Matcher>(matcher: M, text: string, param: string): M {
  const set = matcher.sets.of(LIST);
  for (const item of text.split(",").map((part) => part.trim())) {
    if (item === "") continue;
    const why = matcher.add(item, () => set);
    if (why !== undefined)
      throw paramError(`cryptop2p: ${param}: ${JSON.stringify(item.slice(0, 60))} ${why}`);
  }
  return matcher;
}

/** The operator's own networks. */
export class Networks {
  readonly #matcher: AddressMatcher;

  constructor(text: string) {
    this.#matcher = filled(new AddressMatcher(), text, "networks");
  }

  has(ip: IpField): boolean {
    const { v4, v6 } = this.#matcher;
    if (ip.isV4) return v4.find(ip.v4 | 0, 0, 0, 0) !== 0;
    return v6.find(swap(ip.w0), swap(ip.w1), swap(ip.w2), swap(ip.w3)) !== 0;
  }
}

/** Names of pools, to be looked up with all that is below them. */
export const poolNames = (text: string) => filled(new DomainMatcher(), text, "poolNames").names;
