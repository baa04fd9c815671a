// SPDX-License-Identifier: BSD-3-Clause
import type { Alert, Endpoint } from "../../core/alert.ts";
import type { SinkPlace } from "../../core/exporter.ts";
import { rfc3339 } from "../../core/unirec/time.ts";
import { boundedLine, type Cut } from "./bounded.ts";
import { clip, jsonLine } from "./text.ts";
import { addressOf, finite, portOf, protocolName, whole } from "./values.ts";

const HOST_MAX = 255;
const UUID_PARTS = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;
const TECHNIQUE = /^T\d{4}(\.\d{3})?$/;
/** Labels of a node's name are words of a programming language. */
const NOT_IN_LABEL = /\W/g;
const STARTS_A_LABEL = /^[A-Za-z_]/;

/** CESNET's Intrusion Detection Extensible Alert, version 0. */
export const ideaAlert = (alert: Alert, place: SinkPlace): string =>
  boundedLine(alert, (short, cut) =>
    jsonLine({
      Format: "IDEA0",
      ID: messageId(short),
      // Each message has an ID of its own; an update tells of all that the event's first message told of.
      AggrID: short.update === 0 ? undefined : [short.id],
      DetectTime: rfc3339(short.detectTime),
      EventTime: rfc3339(short.firstTime),
      CeaseTime: rfc3339(short.lastTime),
      Category: [short.category || "Other"],
      Confidence: Math.min(Math.max(finite(short.confidence) ?? 0, 0), 1),
      Description: short.title,
      Note: short.reason,
      Ref: references(short),
      FlowCount: whole(short.flows),
      PacketCount: whole(short.packets),
      ByteCount: whole(short.bytes),
      Source: endpoint(short.source, short),
      Target: endpoint(short.target, short),
      Attach: evidence(short),
      Node: [
        {
          Name: nodeName(short, place),
          SW: ["Nemean", short.detector],
          Type: ["Flow", "Statistical"],
        },
      ],
      _Nemean: ours(short, cut),
    }),
  );

/** The event's UUID for its first message, one made of it and the update's number (RFC 9562 section 5.8) later. */
export function messageId(alert: Alert): string {
  if (alert.update === 0) return alert.id;
  const bytes = new Bun.CryptoHasher("sha256").update(`${alert.id}:${alert.update}`).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex", 0, 16).replace(UUID_PARTS, "$1-$2-$3-$4-$5");
}

function references(alert: Alert): string[] | undefined {
  const known = alert.techniques.filter((technique) => TECHNIQUE.test(technique));
  return known.length === 0
    ? undefined
    : known.map((id) => `https://attack.mitre.org/techniques/${id.replace(".", "/")}/`);
}

/** Lists with one value, and nothing where there is none: also no `Source` when nothing is known of it. */
function endpoint(end: Endpoint, alert: Alert): readonly object[] | undefined {
  const [ip4, ip6, port] = [addressOf(end, 4), addressOf(end, 6), portOf(end)];
  const count = whole(end.count);
  if ((ip4 ?? ip6 ?? port ?? count) === undefined) return undefined;
  const protocol = protocolName(alert)?.toLowerCase();
  return [
    {
      IP4: list(ip4),
      IP6: list(ip6),
      Port: list(port),
      Proto: list(protocol),
      Note: count === undefined ? undefined : `${count} addresses`,
    },
  ];
}

const list = <T>(value: T | undefined): readonly T[] | undefined =>
  value === undefined ? undefined : [value];

const evidence = (alert: Alert): readonly object[] | undefined =>
  alert.evidence.length === 0
    ? undefined
    : [
        {
          Handle: "evidence",
          Note: "Flows that show it",
          ContentType: "application/json",
          Content: jsonLine(alert.evidence),
        },
      ];

/** The host's name backwards, the product and the detector: `org.example.probe.nemean.vportscan`. */
function nodeName(alert: Alert, place: SinkPlace): string {
  const host = clip(place.host, HOST_MAX).split(".").reverse();
  const labels = [...host.filter((part) => part !== ""), "nemean", alert.detector];
  return labels.map(labelOf).join(".");
}

const labelOf = (text: string): string => {
  const word = text.replace(NOT_IN_LABEL, "_");
  return STARTS_A_LABEL.test(word) ? word : `_${word}`;
};

/** What IDEA has no key for. Keys that begin with an underscore are free. */
const ours = (alert: Alert, cut: readonly Cut[]): object => ({
  EventID: alert.id,
  EventKey: alert.key,
  Update: alert.update,
  State: alert.state,
  Rule: alert.rule,
  Severity: alert.severity,
  Version: alert.version,
  Observed: finite(alert.observed),
  Threshold: finite(alert.threshold),
  Baseline: finite(alert.baseline),
  Sensor: alert.sensor,
  Interface: alert.interface,
  ...(cut.length > 0 ? { Cut: cut } : {}),
});
