// SPDX-License-Identifier: BSD-3-Clause
import type { Problem as ConfigProblem } from "../config/problem.ts";

/** On every answer: nothing of ours is a page, and no other site has business with it. */
const HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
} as const;

/** Of an answer that goes on for as long as somebody listens. */
export const STREAM_HEADERS = {
  ...HEADERS,
  "content-type": "text/event-stream; charset=utf-8",
} as const;

export const answer = (body: string, type: string): Response =>
  new Response(body, { headers: { ...HEADERS, "content-type": type } });

export const json = (body: unknown): Response => answer(JSON.stringify(body), "application/json");

/** What is wrong with one parameter. */
export interface ParameterProblem {
  readonly parameter: string;
  readonly detail: string;
}

export interface Problem {
  readonly title: string;
  readonly detail?: string;
  /** Of a request, or of the text of a configuration, what is wrong with each part. */
  readonly errors?: readonly (ParameterProblem | ConfigProblem)[];
}

/** An error as RFC 9457 has it: `application/problem+json`. */
export function problem(
  status: number,
  { title, ...rest }: Problem,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify({ type: "about:blank", title, status, ...rest }), {
    status,
    headers: { ...HEADERS, ...headers, "content-type": "application/problem+json" },
  });
}
