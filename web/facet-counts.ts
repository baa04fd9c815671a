// SPDX-License-Identifier: BSD-3-Clause
import type { Alert, Stats } from "./api.ts";

/** A value that a list can be narrowed to, and how many events have it. */
export interface Facet {
  /** As the filter takes it. */
  readonly value: string;
  readonly name: string;
  readonly events: number;
}

type Stored = Stats["store"]["stored"];

const BANDS = [
  ["9", "critical"],
  ["7", "high or more"],
  ["4", "medium or more"],
  ["1", "low or more"],
] as const;

/** Of the whole store: events of at least a severity, as the filter counts them. */
export const severityFacets = (stored: Stored): Facet[] =>
  BANDS.map(([value, name]) => ({
    value,
    name,
    events: stored
      .filter(({ severity }) => severity >= Number(value))
      .reduce((sum, { events }) => sum + events, 0),
  })).filter(({ events }) => events > 0);

function tallied(values: Iterable<readonly [value: string, events: number]>): Facet[] {
  const tally = new Map<string, number>();
  for (const [value, events] of values) tally.set(value, (tally.get(value) ?? 0) + events);
  return [...tally]
    .map(([value, events]) => ({ value, name: value, events }))
    .sort((a, b) => b.events - a.events || a.name.localeCompare(b.name));
}

/** Of the whole store: events of each detector, most first. */
export const detectorFacets = (stored: Stored): Facet[] =>
  tallied(stored.map(({ detector, events }) => [detector, events]));

/** Of a page of events: how many have each value. */
export const pageFacets = (items: readonly Alert[], pick: (alert: Alert) => string): Facet[] =>
  tallied(items.map((alert) => [pick(alert), 1]));
