// SPDX-License-Identifier: BSD-3-Clause
/**
 * Values of an alert as most formats want them. What is no value of its kind is left out, not passed on.
 * @module
 */
import { isIP } from "node:net";
import type { Alert, Endpoint } from "../../core/alert.ts";

/** IANA's protocol keywords, for those that flows are full of. */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: "ICMP",
  2: "IGMP",
  6: "TCP",
  17: "UDP",
  47: "GRE",
  50: "ESP",
  51: "AH",
  58: "IPv6-ICMP",
  89: "OSPFIGP",
  132: "SCTP",
};

/** The protocol's keyword, or its number. */
export function protocolName(alert: Alert): string | undefined {
  const protocol = whole(alert.protocol, 255);
  return protocol === undefined ? undefined : (PROTOCOLS[protocol] ?? String(protocol));
}

/** An endpoint's address of one family. */
export const addressOf = (endpoint: Endpoint, family: 4 | 6): string | undefined =>
  endpoint.ip !== undefined && isIP(endpoint.ip) === family ? endpoint.ip : undefined;

/** An endpoint's address, when it is one. */
export const anyAddress = (endpoint: Endpoint): string | undefined =>
  addressOf(endpoint, 4) ?? addressOf(endpoint, 6);

export const portOf = (endpoint: Endpoint): number | undefined => whole(endpoint.port, 65_535);

/** A whole number from 0 to `max`. */
export const whole = (
  value: number | undefined,
  max: number = Number.MAX_SAFE_INTEGER,
): number | undefined =>
  value !== undefined && Number.isInteger(value) && value >= 0 && value <= max ? value : undefined;

/** A number that JSON has. */
export const finite = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) ? value : undefined;

/** The step of a ladder that a severity of 0 to 10 stands on: none, low, medium, high, very high. */
export function severityStep(severity: number): 0 | 1 | 2 | 3 | 4 {
  if (severity >= 9) return 4;
  if (severity >= 7) return 3;
  if (severity >= 4) return 2;
  return severity >= 1 ? 1 : 0;
}

/** Microseconds as whole milliseconds since 1970. */
export const millis = (micros: number): number => Math.max(0, Math.trunc(micros / 1000) || 0);
