// SPDX-License-Identifier: BSD-3-Clause

const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];

/** A number with at most three significant digits and a prefix of a thousand: 12.3 k. Nothing known is a dash. */
export function short(value: number | undefined, unit = ""): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  let [scaled, step] = [Math.abs(value), 0];
  // From 999.5 on three digits would read 1000.
  while (scaled >= 999.5 && step < PREFIXES.length - 1) [scaled, step] = [scaled / 1000, step + 1];
  const whole = step === 0 && Number.isInteger(scaled);
  const digits = whole || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  const suffix = `${PREFIXES[step]}${unit}`;
  const text = `${value < 0 ? "−" : ""}${scaled.toFixed(digits)}`;
  return suffix === "" ? text : `${text} ${suffix}`;
}

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A count, all of its digits, in groups. */
export const count = (value: number): string => WHOLE.format(value).replaceAll(",", "\u202f");

/** A part of a whole as per cent; never 0 % or 100 % when it is not. */
export function percent(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0 %";
  const value = (part / whole) * 100;
  if (value < 0.01) return "< 0.01 %";
  if (value >= 100) return "100 %";
  return value > 99.99 ? "> 99.99 %" : `${value < 1 ? value.toFixed(2) : value.toFixed(1)} %`;
}

/** A part of one as per cent, above 100 % where it is more: of a core, threads use several. */
export const share = (part: number | undefined): string =>
  part === undefined ? "–" : `${(part * 100).toFixed(part < 0.0995 ? 1 : 0)} %`;

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds as the two units that matter: 3 d 4 h; as one, where the other is 0. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return units(whole, [MINUTE, "min"], [1, "s"]);
  return whole < DAY
    ? units(whole, [HOUR, "h"], [MINUTE, "min"])
    : units(whole, [DAY, "d"], [HOUR, "h"]);
}

type Unit = readonly [seconds: number, name: string];

function units(seconds: number, [large, largeName]: Unit, [small, smallName]: Unit): string {
  const rest = Math.floor((seconds % large) / small);
  const first = `${Math.floor(seconds / large)} ${largeName}`;
  return rest === 0 ? first : `${first} ${rest} ${smallName}`;
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** An RFC 3339 time as UTC to the second: what two people compare over the phone. */
export const utc = (time: string): string =>
  RFC3339.test(time) ? time.slice(0, 19).replace("T", " ") : time;

/** The same of milliseconds since 1970. */
export const utcOf = (milliseconds: number): string => utc(new Date(milliseconds).toISOString());

/** A time of day (UTC) of seconds since 1970. */
export const clock = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().slice(11, 19);

const PROTOCOLS: Readonly<Record<number, string>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "icmpv6",
};

/** A port with its protocol: 443/tcp. */
export const portName = ({
  protocol,
  port,
}: {
  readonly protocol: number;
  readonly port: number;
}): string => `${port}/${PROTOCOLS[protocol] ?? protocol}`;

/** The name of a severity from 0 to 10. */
export function severityName(severity: number): "info" | "low" | "medium" | "high" | "critical" {
  if (severity >= 9) return "critical";
  if (severity >= 7) return "high";
  if (severity >= 4) return "medium";
  return severity >= 1 ? "low" : "info";
}

/** One side of an event: address and port, or how many addresses. */
export function endpointText({
  ip,
  port,
  count: hosts,
}: {
  readonly ip?: string;
  readonly port?: number;
  readonly count?: number;
}): string {
  const host = ip ?? (hosts === undefined ? "" : `${count(hosts)} hosts`);
  if (port === undefined) return host === "" ? "–" : host;
  if (host === "") return `port ${port}`;
  if (ip === undefined) return `${host}, port ${port}`;
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
