// SPDX-License-Identifier: BSD-3-Clause
/** Why an address is told of: the words, the severity and the key of its events. @module */
import type { AlertDetail, EvidenceFlow } from "../../core/alert.ts";
import type { AddressMatcher } from "../../core/threat-list/matcher.ts";
import type { ThreatLists } from "../../core/threat-list/threat-lists.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Resolved } from "./adaptive.ts";

/** Severity where the list's is not known any more. */
const FORGOTTEN = 5;
/** Of an address that names resolve to which no list has. */
const SHARED_CONFIDENCE = 0.3;
const ADAPTIVE = { key: "adaptive", detail: { rule: "adaptive" } } as const;

/** What makes an address one that is told of. */
export interface Ground {
  /** Of the event, beside the address. */
  readonly key: string;
  /** In the words of the reason. */
  readonly why: string;
  readonly severity: number;
  readonly detail?: Pick<AlertDetail, "rule" | "confidence">;
  readonly names?: readonly string[];
  readonly answers?: readonly EvidenceFlow[];
}

/** It is on a list. */
export function listGround(lists: ThreatLists<AddressMatcher>, list: number): Ground {
  const key = lists.nameOf(list);
  return { key, why: `which is on the list ${key}`, severity: lists.severityOf(list) };
}

/** A listed name resolved to it; undefined where that has had to make room. `last` is the time of the event's last flow. */
export function resolvedGround(resolved: Resolved | undefined, last: number): Ground {
  if (!resolved)
    return { ...ADAPTIVE, why: "which a listed name resolved to", severity: FORGOTTEN };
  const { names, lists, severity, time, isShared, answers } = resolved;
  const seconds = Math.max(0, Math.round((last - time) / SECOND));
  const others = isShared ? ", as names do that no list has" : "";
  return {
    ...ADAPTIVE,
    why: `which listed ${names.join(", ")} (${lists}) resolved to ${seconds} s ago${others}`,
    severity,
    names,
    answers,
    ...(isShared ? { detail: { ...ADAPTIVE.detail, confidence: SHARED_CONFIDENCE } } : {}),
  };
}
