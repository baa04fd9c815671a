// SPDX-License-Identifier: BSD-3-Clause
import type { Alert, Endpoint } from "../../core/alert.ts";
import { clip } from "./text.ts";

/** Bytes of a formatted alert: what common receivers take for one message, and no more. */
export const LINE_MAX = 65_536;

/** What was left out of an alert to keep it within the bound. */
export type Cut = "evidence" | "text";

/** An alert as one line. Says in a field of its own what was cut, when something was. */
export type LineOf = (alert: Alert, cut: readonly Cut[]) => string;

/** Flows and units of text still tried when an alert is too long. */
const FLOWS_KEPT = [10, 5, 2, 1, 0];
const TEXT_KEPT = [8192, 2048, 512, 64];
const TECHNIQUES_KEPT = 32;
/** Bytes of UTF-8 that a UTF-16 unit takes at most. */
const UNIT_BYTES_MAX = 3;

/** Format an alert within {@link LINE_MAX}: of one that is too long the evidence goes first, then long text. */
export function boundedLine(alert: Alert, lineOf: LineOf): string {
  let line = lineOf(alert, []);
  if (fits(line)) return line;
  for (const kept of FLOWS_KEPT) {
    if (kept >= alert.evidence.length) continue;
    line = lineOf({ ...alert, evidence: alert.evidence.slice(0, kept) }, ["evidence"]);
    if (fits(line)) return line;
  }
  const cut: readonly Cut[] = alert.evidence.length > 0 ? ["evidence", "text"] : ["text"];
  for (const kept of TEXT_KEPT) {
    line = lineOf(shortened(alert, kept), cut);
    if (fits(line)) return line;
  }
  return line;
}

const fits = (line: string): boolean =>
  line.length * UNIT_BYTES_MAX <= LINE_MAX || Buffer.byteLength(line) <= LINE_MAX;

const shortened = (alert: Alert, max: number): Alert => ({
  ...alert,
  id: clip(alert.id, max),
  key: clip(alert.key, max),
  detector: clip(alert.detector, max),
  version: clip(alert.version, max),
  title: clip(alert.title, max),
  category: clip(alert.category, max),
  techniques: alert.techniques.slice(0, TECHNIQUES_KEPT).map((technique) => clip(technique, max)),
  source: shortEndpoint(alert.source, max),
  target: shortEndpoint(alert.target, max),
  reason: clip(alert.reason, max),
  evidence: [],
  sensor: clip(alert.sensor, max),
  interface: clip(alert.interface, max),
});

const shortEndpoint = (endpoint: Endpoint, max: number): Endpoint =>
  endpoint.ip === undefined ? endpoint : { ...endpoint, ip: clip(endpoint.ip, max) };
