// SPDX-License-Identifier: BSD-3-Clause
import { ipText, parseIp } from "../../core/unirec/ip.ts";
import { parseTime } from "../../core/unirec/time.ts";
import { type AlertQuery, PAGE_DEFAULT, PAGE_MAX } from "../store/alert-query.ts";
import { decodeCursor } from "../store/cursor.ts";
import type { ParameterProblem } from "./problem.ts";

/** A query that cannot be understood; every parameter that is wrong is named, with what it takes. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly errors: readonly ParameterProblem[];

  constructor(errors: readonly ParameterProblem[]) {
    super(errors.map(({ detail }) => detail).join("; "));
    this.errors = errors;
  }
}

/** One query parameter: what OpenAPI says of it, and how its text is read. */
export interface QueryParameter {
  readonly about: string;
  /** Ends "expected ...". */
  readonly takes: string;
  /** JSON Schema of its value. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** The value, or undefined when the text is none. */
  readonly read: (text: string) => unknown;
}

const WHOLE = /^\d{1,15}$/;

const whole = (about: string, minimum: number, maximum: number): QueryParameter => ({
  about,
  takes: `a whole number from ${minimum} to ${maximum}`,
  schema: { type: "integer", minimum, maximum },
  read(text) {
    const value = WHOLE.test(text) ? Number(text) : Number.NaN;
    return value >= minimum && value <= maximum ? value : undefined;
  },
});

const NAME_MAX = 128;

const name = (about: string, example: string): QueryParameter => ({
  about,
  takes: `a name such as ${example}`,
  schema: { type: "string", minLength: 1, maxLength: NAME_MAX },
  read: (text) => (text.length > 0 && text.length <= NAME_MAX ? text : undefined),
});

const address = (about: string): QueryParameter => ({
  about,
  takes: "an IPv4 or IPv6 address",
  schema: { type: "string", anyOf: [{ format: "ipv4" }, { format: "ipv6" }] },
  read(text) {
    const ip = parseIp(text);
    return ip && ipText(ip);
  },
});

const time = (about: string): QueryParameter => ({
  about,
  takes: "an RFC 3339 time such as 2026-01-05T09:00:00Z",
  schema: { type: "string", format: "date-time" },
  read: parseTime,
});

const STATES = ["open", "closed"];

/**
 * The filters of alerts: requests are read and OpenAPI is written from this one table.
 *
 * Elysia's own query schemas (1.4.30) take `0x10` for 16, fill an enumeration that is absent with its first
 * value, keep the last of a repeated parameter, and report a number out of bounds without its name.
 */
export const ALERT_PARAMETERS: Readonly<Record<keyof AlertQuery, QueryParameter>> = {
  limit: whole(`Events in the page; ${PAGE_DEFAULT} when left out.`, 1, PAGE_MAX),
  cursor: {
    about: "Continue after the page whose `next` this is.",
    takes: "`next` of an earlier page",
    schema: { type: "string" },
    read: decodeCursor,
  },
  detector: name("Events of this detector.", "vportscan"),
  category: name("Events of this IDEA category.", "Recon.Scanning"),
  rule: whole("Events of the rule with this id.", 0, 2 ** 31 - 1),
  severity: whole("Events of at least this severity.", 0, 10),
  state: {
    about: "Events in this state.",
    takes: STATES.join(" or "),
    schema: { type: "string", enum: STATES },
    read: (text) => (STATES.includes(text) ? text : undefined),
  },
  source: address("Events with exactly this source."),
  target: address("Events with exactly this target."),
  ip: address("Events with this address on either side."),
  from: time("Events opened at this time or later."),
  to: time("Events opened before this time."),
};

const shortened = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

function complaint(parameter: string, text: string, repeated: boolean): string {
  if (!Object.hasOwn(ALERT_PARAMETERS, parameter))
    return `${shortened(parameter)}: no such parameter; there are ${Object.keys(ALERT_PARAMETERS).join(", ")}`;
  if (repeated) return `${parameter}: given more than once`;
  const { takes } = ALERT_PARAMETERS[parameter as keyof AlertQuery];
  return `${parameter}: expected ${takes}, got ${shortened(text)}`;
}

/** The filters of a request; throws QueryError. */
export function alertQueryOf(search: URLSearchParams): AlertQuery {
  const query = new Map<string, unknown>();
  const errors = new Map<string, ParameterProblem>();
  for (const [parameter, text] of search) {
    const known = Object.hasOwn(ALERT_PARAMETERS, parameter)
      ? ALERT_PARAMETERS[parameter as keyof AlertQuery]
      : undefined;
    const value = known?.read(text);
    const repeated = query.has(parameter);
    if (value === undefined || repeated)
      errors.set(parameter, { parameter, detail: complaint(parameter, text, repeated) });
    else query.set(parameter, value);
  }
  if (errors.size > 0) throw new QueryError([...errors.values()]);
  return Object.fromEntries(query);
}

/** Routes without parameters refuse all, so that a misspelt address is not taken for an answer. */
export function noQuery(search: URLSearchParams): void {
  const [parameter] = search.keys();
  if (parameter !== undefined)
    throw new QueryError([
      { parameter, detail: `${shortened(parameter)}: this address takes no parameters` },
    ]);
}
