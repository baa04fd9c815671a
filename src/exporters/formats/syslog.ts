// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import type { SinkPlace } from "../../core/exporter.ts";
import { rfc3339 } from "../../core/unirec/time.ts";
import { clip, visible } from "./text.ts";
import { severityStep } from "./values.ts";

/** Private enterprise number of the structured data: the one that RFC 5612 sets aside for documents. */
export const ENTERPRISE = 32_473;

/** Severities of RFC 5424 section 6.2.1: informational, notice, warning, error, critical. */
const SEVERITIES = [6, 5, 4, 3, 2] as const;
const FACILITY_MAX = 23;
/** RFC 5424 section 6. */
const HOST_MAX = 255;
/** A parameter of the structured data is there to sort by; the whole text is in the body. */
const VALUE_MAX = 256;
const NOT_PRINTABLE = /[^\x21-\x7e]/g;
/** RFC 5424 section 6.3.3. */
const ESCAPED = /["\\\]]/g;
const NOT_ASCII = /[^\p{ASCII}]/u;
const BOM = "\ufeff";

/**
 * A message of RFC 5424 with a formatted alert as its body. A body that is not ASCII begins with a BOM,
 * which says that it is UTF-8 (section 6.4).
 */
export function syslogMessage(
  body: string,
  alert: Alert,
  place: SinkPlace,
  facility: number,
): Uint8Array {
  const priority = facilityOf(facility) * 8 + SEVERITIES[severityStep(alert.severity)];
  const header = `<${priority}>1 ${rfc3339(alert.detectTime)} ${hostOf(place)} nemean - ALERT`;
  const text = visible(body);
  const mark = NOT_ASCII.test(text) ? BOM : "";
  return Buffer.from(`${header} ${structuredData(alert)} ${mark}${text}`);
}

/** A message framed by its length, as TCP (RFC 6587 section 3.4.1) and TLS (RFC 5425) carry it. */
export function octetCounted(message: Uint8Array): Uint8Array {
  const count = Buffer.from(`${message.length} `);
  return Buffer.concat([count, message]);
}

const facilityOf = (facility: number): number =>
  Math.min(Math.max(Math.trunc(facility) || 0, 0), FACILITY_MAX);

const hostOf = (place: SinkPlace): string =>
  clip(place.host.replace(NOT_PRINTABLE, "-"), HOST_MAX) || "-";

function structuredData(alert: Alert): string {
  const values: readonly (readonly [string, string | number | undefined])[] = [
    ["id", alert.id],
    ["update", alert.update],
    ["detector", alert.detector],
    ["rule", alert.rule],
    ["severity", alert.severity],
    ["source", alert.source.ip],
    ["target", alert.target.ip],
  ];
  const given = values.filter(([, value]) => value !== undefined);
  const params = given.map(([name, value]) => ` ${name}="${paramValue(String(value))}"`);
  return `[nemean@${ENTERPRISE}${params.join("")}]`;
}

const paramValue = (value: string): string =>
  visible(clip(value, VALUE_MAX)).replace(ESCAPED, "\\$&");
