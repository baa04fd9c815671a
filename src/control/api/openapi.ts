// SPDX-License-Identifier: BSD-3-Clause
import type { QueryParameter } from "./query.ts";
import { SCHEMAS, type Schema } from "./schemas.ts";

/** What a route says of itself, beside its handler. */
export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  /** Name of the answer's schema, or the media type of one that is not JSON. */
  readonly answers: keyof typeof SCHEMAS | `text/${string}`;
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
  400: "A parameter is unknown, repeated or out of its values; `errors` names each.",
  403: "Host or Origin is not allowed.",
  404: "There is none with this id.",
  503: "The store cannot be read now.",
};

const PATH_PARAMETER = /:(\w+)/g;

function responses({ answers, errors = [] }: Operation): Schema {
  const content = answers.startsWith("text/")
    ? { [answers]: { schema: { type: "string" } } }
    : { "application/json": { schema: { $ref: `#/components/schemas/${answers}` } } };
  const problem = {
    "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
  };
  return {
    200: { description: "The answer.", content },
    ...Object.fromEntries(
      [400, 403, ...errors].map((status) => [
        status,
        { description: PROBLEMS[status], content: problem },
      ]),
    ),
  };
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
    const operation = operations[path];
    if (!operation) throw new Error(`no operation for ${path}`);
    const { operationId, summary } = operation;
    paths[path.replace(PATH_PARAMETER, "{$1}")] = {
      [method.toLowerCase()]: {
        operationId,
        summary,
        parameters: parameters(path, operation),
        responses: responses(operation),
      },
    };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Nemean",
      version,
      description:
        "Alerts, statistics and health of a running appliance: read-only, on loopback. " +
        "Strings may come from the network: escape them before showing them.",
      license: { name: "BSD-3-Clause", identifier: "BSD-3-Clause" },
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas: SCHEMAS },
  };
}
