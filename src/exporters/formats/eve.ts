// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import type { SinkPlace } from "../../core/exporter.ts";
import { rfc3339 } from "../../core/unirec/time.ts";
import { boundedLine, type Cut } from "./bounded.ts";
import { clip, jsonLine } from "./text.ts";
import { anyAddress, finite, portOf, protocolName, severityStep, whole } from "./values.ts";

/**
 * Short descriptions of Suricata's classification list, by IDEA category: the most exact one that is here
 * counts, so `Attempt` speaks for all attempts that have no line of their own.
 */
const CATEGORIES: ReadonlyMap<string, string> = new Map([
  ["Abusive", "Misc activity"],
  ["Anomaly", "Potentially Bad Traffic"],
  ["Anomaly.Protocol", "Detection of a non-standard protocol or event"],
  ["Attempt", "Misc Attack"],
  ["Attempt.Exploit", "Attempted Administrator Privilege Gain"],
  ["Attempt.Login", "Attempted Administrator Privilege Gain"],
  ["Availability", "Detection of a Denial of Service Attack"],
  ["Fraud", "Misc Attack"],
  ["Fraud.Phishing", "Possible Social Engineering Attempted"],
  ["Information", "Information Leak"],
  ["Intrusion", "Targeted Malicious Activity was Detected"],
  ["Intrusion.AdminCompromise", "Successful Administrator Privilege Gain"],
  ["Intrusion.Botnet", "Malware Command and Control Activity Detected"],
  ["Intrusion.UserCompromise", "Successful User Privilege Gain"],
  ["Malware", "A Network Trojan was detected"],
  ["Recon", "Attempted Information Leak"],
  ["Recon.Scanning", "Detection of a Network Scan"],
  ["Suspicious", "Potentially Bad Traffic"],
  ["Suspicious.Miner", "Crypto Currency Mining Activity Detected"],
  ["Test", "Not Suspicious Traffic"],
  ["Vulnerable", "Potentially Bad Traffic"],
]);
const OTHER = "Misc activity";

/** Suricata counts from 1 (worst) to 4. */
const SEVERITIES = [4, 3, 2, 1, 1] as const;
const HOST_MAX = 255;
/** A double, as which many readers take all numbers, holds no more bits of a flow_id. */
const FLOW_ID_BITS = 53;

/**
 * An alert event of Suricata's EVE. Its top level takes known keys only, so what is our own is in
 * `alert.metadata`, as lists of text: readers such as Wazuh's know no lists of objects.
 */
export const eveAlert = (alert: Alert, place: SinkPlace): string =>
  boundedLine(alert, (short, cut) =>
    jsonLine({
      timestamp: eveTime(short.detectTime),
      flow_id: flowId(alert.id),
      in_iface: short.interface || undefined,
      event_type: "alert",
      src_ip: anyAddress(short.source),
      src_port: portOf(short.source),
      dest_ip: anyAddress(short.target),
      dest_port: portOf(short.target),
      proto: protocolName(short),
      host: short.sensor || clip(place.host, HOST_MAX) || undefined,
      alert: {
        action: "allowed",
        gid: 1,
        signature_id: short.rule,
        rev: 1,
        signature: short.title,
        category: eveCategory(short.category),
        severity: SEVERITIES[severityStep(short.severity)],
        metadata: metadata(short, cut),
      },
      flow: { start: eveTime(short.firstTime) },
    }),
  );

/** The schema refuses `Z`. */
const eveTime = (micros: number): string => rfc3339(micros).replace("Z", "+0000");

/** The same in all updates of an event; never 0, which some readers take for none. */
const flowId = (id: string): number =>
  Number(BigInt.asUintN(FLOW_ID_BITS, Bun.hash.xxHash64(id))) || 1;

function eveCategory(category: string): string {
  const [top = "", sub = ""] = category.split(".", 2);
  return CATEGORIES.get(`${top}.${sub}`) ?? CATEGORIES.get(top) ?? OTHER;
}

function metadata(alert: Alert, cut: readonly Cut[]): Record<string, readonly string[]> {
  const lists: Record<string, readonly (string | number | undefined)[]> = {
    mitre_technique_id: alert.techniques,
    nemean_id: [alert.id],
    nemean_key: [alert.key],
    nemean_update: [alert.update],
    nemean_state: [alert.state],
    nemean_detector: [alert.detector],
    nemean_version: [alert.version],
    nemean_category: [alert.category],
    nemean_severity: [alert.severity],
    nemean_confidence: [alert.confidence],
    nemean_reason: [alert.reason],
    nemean_observed: [finite(alert.observed)],
    nemean_threshold: [finite(alert.threshold)],
    nemean_baseline: [finite(alert.baseline)],
    nemean_last_time: [eveTime(alert.lastTime)],
    nemean_flows: [whole(alert.flows)],
    nemean_packets: [whole(alert.packets)],
    nemean_bytes: [whole(alert.bytes)],
    nemean_source_count: [whole(alert.source.count)],
    nemean_target_count: [whole(alert.target.count)],
    nemean_evidence: alert.evidence.map(jsonLine),
    nemean_cut: cut,
  };
  const entries = Object.entries(lists).map(
    ([key, values]) => [key, values.filter((value) => value !== undefined).map(String)] as const,
  );
  return Object.fromEntries(entries.filter(([, values]) => values.length > 0));
}
