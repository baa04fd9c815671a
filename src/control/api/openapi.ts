// SPDX-License-Identifier: BSD-3-Clause

import { COOKIE_NAME } from "../auth/cookie.ts";
import type { Ask } from "./admission.ts";
import type { BodyFields } from "./body.ts";
import type { QueryParameter } from "./query.ts";
import { SCHEMAS, type Schema } from "./schemas.ts";

/** What a route says of itself, beside its handler. */
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  /** Name of the answer's schema, or the media type of one that is not JSON. */
  readonly answers: keyof typeof SCHEMAS | `text/${string}`;
  /** Who may ask. */
  readonly needs: Ask;
  readonly body?: BodyFields;
  /** Most bytes of the body, where it may be larger than others. */
  readonly bodyMax?: number;
  /** Not counted among the requests that anybody may send: for who looks whether it lives. */
  readonly unlimited?: true;
  readonly query?: Readonly<Record<string, QueryParameter>>;
  /** Statuses beside 200 and those that every route has. */
  readonly errors?: readonly number[];
}

/** The part of Elysia's list of routes that the document needs. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

const PROBLEMS: Readonly<Record<number, string>> = {
  400: "A parameter or field is unknown, repeated or out of its values; `errors` names each.",
  401: "Nobody is logged in, or name, password or token are wrong.",
  403: "Host or Origin is not allowed, or the role, the scopes or the CSRF token do not cover it.",
  404: "There is none with this id.",
  409: "It is taken, would leave no admin, or another has changed it meanwhile.",
  413: "The body is too large.",
  415: "The body is no JSON.",
  422: "The values are not acceptable; `detail` says why.",
  429: "Too many requests or attempts: come again after Retry-After seconds.",
  503: "Not now: the store cannot be read, or the pipeline does not run.",
};

const PATH_PARAMETER = /:(\w+)/g;

/** Statuses of an operation beside 200. */
function statuses({ needs, body, unlimited, errors = [] }: Operation): number[] {
  const all = [400, 403, ...errors];
  if (!unlimited) all.push(429);
  if (needs !== "public") all.push(401);
  if (body) all.push(401, 409, 413, 415, 422);
  return [...new Set(all)].sort((a, b) => a - b);
}

function responses(operation: Operation): Schema {
  const { answers } = operation;
  const content = answers.startsWith("text/")
    ? { [answers]: { schema: { type: "string" } } }
    : { "application/json": { schema: { $ref: `#/components/schemas/${answers}` } } };
  const problem = {
    "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
  };
  return {
    200: { description: "The answer.", content },
    ...Object.fromEntries(
      statuses(operation).map((status) => [
        status,
        { description: PROBLEMS[status], content: problem },
      ]),
    ),
  };
}

function requestBody(fields: BodyFields): Schema {
  const names = Object.keys(fields);
  const schema = {
    type: "object",
    additionalProperties: false,
    required: names.filter((name) => !fields[name]!.optional),
    properties: Object.fromEntries(
      names.map((name) => [name, { description: fields[name]!.about, ...fields[name]!.schema }]),
    ),
  };
  return { required: true, content: { "application/json": { schema } } };
}

/** Who may: by nothing, by a session's cookie, or by a token with the scope. */
function security({ needs }: Operation): Schema[] {
  if (needs === "public") return [];
  return needs === "account" ? [{ session: [] }] : [{ session: [] }, { token: [] }];
}

function parameters(path: string, { query = {} }: Operation): Schema[] {
  const inPath = [...path.matchAll(PATH_PARAMETER)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(query).map(([name, { about, takes, schema }]) => ({
    name,
    in: "query",
    description: `${about} Takes ${takes}.`,
    schema,
  }));
  return [...inPath, ...inQuery];
}

/** The OpenAPI 3.1 description of the routes; each of them must have an operation. */
export function openApi(
  version: string,
  routes: readonly Route[],
  operations: Readonly<Record<string, Operation>>,
): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const { method, path } of routes) {
    const operation = operations[`${method} ${path}`];
    if (!operation) throw new Error(`no operation for ${method} ${path}`);
    const { operationId, summary, needs, body } = operation;
    const template = path.replace(PATH_PARAMETER, "{$1}");
    paths[template] ??= {};
    paths[template][method.toLowerCase()] = {
      operationId,
      summary,
      "x-needs": needs,
      security: security(operation),
      parameters: parameters(path, operation),
      ...(body ? { requestBody: requestBody(body) } : {}),
      responses: responses(operation),
    };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Nemean",
      version,
      description:
        "Alerts, statistics, health and accounts of a running appliance, on loopback. `x-needs` of an operation is the " +
        "scope it asks for, or `account` for one's own session. " +
        "Strings may come from the network: escape them before showing them.",
      license: { name: "BSD-3-Clause", identifier: "BSD-3-Clause" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        session: { type: "apiKey", in: "cookie", name: COOKIE_NAME },
        token: { type: "http", scheme: "bearer" },
      },
    },
  };
}
