// SPDX-License-Identifier: BSD-3-Clause
import { FilterConfig } from "../../core/threat-list/filter-config.ts";
import { type ListSource, originalSource, parseSources } from "../../core/threat-list/sources.ts";
import type { Setup } from "./index.ts";

type Settings = Setup["params"];

/** The original's files, which options put in place of the configuration's: of IPv4, and of IPv6. */
export function originalFiles({ config, v4File, v6File }: Settings): { v4: string; v6: string } {
  const named = config === "" ? undefined : new FilterConfig(config, "ipblacklist");
  return {
    v4: v4File || named?.file("ipv4_blacklist_file") || "",
    v6: v6File || named?.file("ipv6_blacklist_file") || "",
  };
}

/** All lists: those of `lists` and the original's. */
export function addressSources(settings: Settings): ListSource[] {
  const { v4, v6 } = originalFiles(settings);
  const originals = [v4, v6].filter((path) => path !== "").map(originalSource);
  return [...parseSources(settings.lists, "ipblacklist"), ...originals];
}
