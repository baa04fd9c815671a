// SPDX-License-Identifier: BSD-3-Clause
import type { DeliveryStats } from "../delivery/delivery.ts";
import type { Snapshot } from "../snapshot.ts";

/** Seconds without a word from the pipeline after which it is taken to hang; it reports each second. */
const SILENCE_MAX = 10;

/** What is wrong with the pipeline in words, as seen at a time of the wall clock (microseconds). */
export function pipelineHealth(
  { at, finished }: Snapshot,
  now: number,
  startedAt: number,
): string[] {
  if (finished) return [];
  const silence = Math.floor((now - (at || startedAt)) / 1_000_000);
  return silence > SILENCE_MAX ? [`pipeline: no word from it for ${silence} s`] : [];
}

/** What is wrong with bringing alerts to sinks, in words. */
export function deliveryHealth({ queue, sinks }: DeliveryStats): string[] {
  const wrong = sinks
    .filter(({ state }) => state === "waiting")
    .map(({ name, waiting, lastError }) => `sink ${name}: ${lastError}; ${waiting} alerts wait`);
  return queue.state === "failed" ? [`delivery queue: ${queue.reason}`, ...wrong] : wrong;
}

/** What `/healthz` answers. Reasons name receivers and their addresses, which is nothing for strangers. */
export const healthView = (
  { uptime }: Snapshot,
  {
    version,
    reasons,
    notes,
    isStranger,
  }: {
    version: string;
    reasons: readonly string[];
    notes: readonly string[];
    isStranger: boolean;
  },
) => ({
  status: reasons.length === 0 ? "ok" : "degraded",
  reasons: isStranger ? [] : reasons,
  notes: isStranger ? [] : notes,
  version,
  uptime,
});
