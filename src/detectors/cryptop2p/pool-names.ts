// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";
import { DomainMatcher } from "../../core/threat-list/matcher.ts";
import type { NameTable } from "../../core/threat-list/name-table.ts";

/** The number of the one list there is. */
const LIST = 1;

/** Names of pools by commas, to be looked up with all that is below them. Throws ERR_PARAM for what is no name. */
export function poolNames(text: string): NameTable {
  const matcher = new DomainMatcher();
  const set = matcher.sets.of(LIST);
  for (const item of text.split(",").map((part) => part.trim())) {
    const why = item === "" ? undefined : matcher.add(item, () => set);
    if (why !== undefined)
      throw paramError(`cryptop2p: poolNames: ${JSON.stringify(item.slice(0, 60))} ${why}`);
  }
  return matcher.names;
}
