// SPDX-License-Identifier: BSD-3-Clause
/** Names that people have chosen, to learn from and to measure with. @module */
import { readFileSync } from "node:fs";
import { LabelFinder } from "../label.ts";

/** Hosts that pages of the web load something from, most frequent first: a table of the package third-party-web. */
const HOSTS = Bun.resolveSync("third-party-web/dist/domain-map.csv", import.meta.dir);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Names {
  /** Names of people to learn from, and to measure with: the registered domains, once each, that the detector would judge. */
  readonly known: readonly string[];
  readonly held: readonly string[];
  /** All registered domains that are held, judged or not. */
  readonly heldCount: number;
}

/** Registered domains of hosts on the web, parted by a hash. */
export function namesOfPeople(tops: ReadonlySet<number>): Names {
  const finder = new LabelFinder(tops, []);
  const seen = new Set<string>();
  const known: string[] = [];
  const held: string[] = [];
  let heldCount = 0;
  for (const line of readFileSync(HOSTS, "utf8").split("\n")) {
    const host = encoder.encode(line.slice(0, Math.max(0, line.indexOf(","))).toLowerCase());
    if (!finder.find(host, 0, host.length)) continue;
    const domain = decoder.decode(host.subarray(finder.from));
    if (seen.has(domain)) continue;
    seen.add(domain);
    const isHeld = (finder.hash & 3) === 0;
    if (isHeld) heldCount++;
    if (finder.isJudged) (isHeld ? held : known).push(domain);
  }
  return { known, held, heldCount };
}
