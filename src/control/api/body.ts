// SPDX-License-Identifier: BSD-3-Clause
import { type ParameterProblem, problem } from "./problem.ts";

/** One field of a request's body: what OpenAPI says of it, and what it takes. */
export interface BodyField {
  readonly about: string;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly optional?: true;
  readonly takes: (value: unknown) => boolean;
}
export type BodyFields = Readonly<Record<string, BodyField>>;

const TEXT_MAX = 1024;

export const text = (about: string, max = TEXT_MAX): BodyField => ({
  about,
  schema: { type: "string", maxLength: max },
  takes: (value) => typeof value === "string" && value.length <= max,
});

/** The number of a thing that is numbered from 1 on. */
export const number = (about: string, least = 1): BodyField => ({
  about,
  schema: { type: "integer", minimum: least },
  takes: (value) => Number.isSafeInteger(value) && (value as number) >= least,
});

export const texts = (about: string): BodyField => ({
  about,
  schema: { type: "array", items: { type: "string" }, maxItems: 32 },
  takes: (value) =>
    Array.isArray(value) && value.length <= 32 && value.every((each) => typeof each === "string"),
});

export const flag = (about: string): BodyField => ({
  about,
  schema: { type: "boolean" },
  takes: (value) => typeof value === "boolean",
});

/** Milliseconds since 1970, or null. */
export const timeOrNull = (about: string): BodyField => ({
  about,
  schema: { type: ["integer", "null"] },
  takes: (value) => value === null || Number.isSafeInteger(value),
});

export const optional = (field: BodyField): BodyField => ({ ...field, optional: true });

/** Most bytes of a body, where its route says nothing else. */
export const BODY_MAX = 4096;
/** Most bytes of any body. */
export const BODY_LARGEST = 132 << 10;

/** A request's body by its fields, or the answer to one that is wrong: each field that is wrong is named. */
export async function readBody(
  request: Request,
  fields: BodyFields,
  bodyMax = BODY_MAX,
): Promise<{ readonly body: Record<string, unknown> } | { readonly refusal: Response }> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  // A page of another site can send no JSON without asking first.
  if (type !== "application/json")
    return refuse(415, "Content-Type: expected application/json", []);
  const sent = await textOf(request, bodyMax);
  if (sent === undefined) return refuse(413, `at most ${bodyMax} bytes`, []);
  let value: unknown;
  try {
    value = JSON.parse(sent);
  } catch {
    return refuse(400, "the body is no JSON", []);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refuse(400, "the body is no JSON object", []);
  const given = new Map(Object.entries(value));
  const errors = [...problemsOf(given, fields)];
  if (errors.length > 0) return refuse(400, errors.map(({ detail }) => detail).join("; "), errors);
  return { body: Object.fromEntries(given) };
}

/** A body as text; undefined for one that is larger, of which no more is read than that. */
async function textOf(request: Request, max: number): Promise<string | undefined> {
  if (Number(request.headers.get("content-length")) > max) return undefined;
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > max) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function* problemsOf(
  given: ReadonlyMap<string, unknown>,
  fields: BodyFields,
): Generator<ParameterProblem> {
  for (const name of given.keys())
    if (!Object.hasOwn(fields, name)) {
      const parameter = name.slice(0, 64);
      const detail = `${JSON.stringify(parameter)}: no such field; there are ${Object.keys(fields).join(", ")}`;
      yield { parameter, detail };
    }
  for (const [name, { takes, optional: mayLack, about }] of Object.entries(fields)) {
    if (!given.has(name) ? mayLack : takes(given.get(name))) continue;
    yield { parameter: name, detail: `${name}: expected ${about}` };
  }
}

function refuse(
  status: number,
  detail: string,
  errors: readonly ParameterProblem[],
): { readonly refusal: Response } {
  const title =
    status === 400 ? "Bad body" : status === 413 ? "Body too large" : "Unsupported media type";
  return { refusal: problem(status, { title, detail, ...(errors.length > 0 ? { errors } : {}) }) };
}
