// SPDX-License-Identifier: BSD-3-Clause
/** What readers of EVE insist on, written down without looking at the formatter. */

type Json = Readonly<Record<string, unknown>>;

/** Top-level keys of alerts: the schema refuses any other. */
const TOP_LEVEL: Readonly<Record<string, string>> = {
  timestamp: "string",
  flow_id: "number",
  in_iface: "string",
  event_type: "string",
  src_ip: "string",
  src_port: "number",
  dest_ip: "string",
  dest_port: "number",
  proto: "string",
  app_proto: "string",
  community_id: "string",
  host: "string",
  alert: "object",
  flow: "object",
};
const ALERT: Readonly<Record<string, string>> = {
  action: "string",
  gid: "number",
  signature_id: "number",
  rev: "number",
  signature: "string",
  category: "string",
  severity: "number",
  metadata: "object",
};
const FLOW: Readonly<Record<string, string>> = { start: "string" };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$/;
/** Short descriptions that Suricata ships for its classes. */
const CLASSES = new Set([
  "Not Suspicious Traffic",
  "Potentially Bad Traffic",
  "Attempted Information Leak",
  "Information Leak",
  "Attempted Denial of Service",
  "Successful User Privilege Gain",
  "Attempted Administrator Privilege Gain",
  "Successful Administrator Privilege Gain",
  "A Network Trojan was detected",
  "Detection of a Network Scan",
  "Detection of a Denial of Service Attack",
  "Detection of a non-standard protocol or event",
  "Misc activity",
  "Misc Attack",
  "Targeted Malicious Activity was Detected",
  "Possible Social Engineering Attempted",
  "Crypto Currency Mining Activity Detected",
  "Malware Command and Control Activity Detected",
]);

/** Whatever an EVE alert breaks, in words: nothing, when it is right. */
export function eveComplaints(line: string): string[] {
  const event = JSON.parse(line) as Json;
  const alert = (event["alert"] ?? {}) as Json;
  const flow = (event["flow"] ?? {}) as Json;
  const checks: readonly (readonly [boolean, string])[] = [
    [TIME.test(String(event["timestamp"])), "timestamp"],
    [flow["start"] === undefined || TIME.test(String(flow["start"])), "flow.start"],
    [event["event_type"] === "alert", "event_type"],
    [isWhole(event["flow_id"], 1, Number.MAX_SAFE_INTEGER), "flow_id"],
    [alert["action"] === "allowed", "alert.action"],
    [alert["gid"] === 1, "alert.gid"],
    [isWhole(alert["rev"], 1, 2 ** 31), "alert.rev"],
    [isWhole(alert["signature_id"], 9_000_000, 2 ** 32 - 1), "alert.signature_id"],
    [isWhole(alert["severity"], 1, 4), "alert.severity"],
    [CLASSES.has(String(alert["category"])), `alert.category ${alert["category"]}`],
  ];
  return [
    ...checks.filter(([holds]) => !holds).map(([, what]) => what),
    ...keyComplaints(event, TOP_LEVEL),
    ...keyComplaints(alert, ALERT),
    ...keyComplaints(flow, FLOW),
    ...metadataComplaints(alert["metadata"] as Json),
  ];
}

const isWhole = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

const keyComplaints = (object: Json, known: Readonly<Record<string, string>>): string[] =>
  Object.entries(object)
    .filter(([key, value]) => value === null || Array.isArray(value) || typeof value !== known[key])
    .map(([key]) => `key ${key}`);

/** Lists of text and nothing else: Wazuh's reader knows no list of objects. */
const metadataComplaints = (metadata: Json): string[] =>
  Object.entries(metadata)
    .filter(
      ([, list]) =>
        !Array.isArray(list) || list.length === 0 || list.some((item) => typeof item !== "string"),
    )
    .map(([key]) => `metadata ${key}`);
