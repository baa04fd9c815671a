// SPDX-License-Identifier: BSD-3-Clause
import { SQLiteError } from "bun:sqlite";
import { Elysia } from "elysia";
import { EXIT, messageOf, NemeanError, usageError } from "../../core/errors.ts";
import { rfc3339 } from "../../core/unirec/time.ts";
import type { Snapshot } from "../snapshot.ts";
import type { AlertStore } from "../store/alert-store.ts";
import { alertView } from "./alert-view.ts";
import { refusal } from "./guard.ts";
import { pipelineHealth } from "./health.ts";
import { metricsText } from "./metrics.ts";
import { type Operation, openApi } from "./openapi.ts";
import { answer, json, problem } from "./problem.ts";
import { ALERT_PARAMETERS, alertQueryOf, noQuery, QueryError } from "./query.ts";

export interface ApiOptions {
  readonly store: AlertStore;
  readonly snapshot: () => Snapshot;
  readonly version: string;
  /** Further reasons why the product is degraded, in words. */
  readonly health?: () => readonly string[];
}

export interface RunningApi extends Disposable {
  /** Ends in a slash. */
  readonly url: string;
  /** Close the port and all connections. */
  stop(): void;
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "/": { operationId: "getIndex", summary: "Where everything is.", answers: "Index" },
  "/healthz": {
    operationId: "getHealth",
    summary: "Whether it runs (200), and what is wrong.",
    answers: "Health",
  },
  "/api/v1/alerts": {
    operationId: "listAlerts",
    summary: "A page of events, those opened last first.",
    answers: "AlertPage",
    query: ALERT_PARAMETERS,
    errors: [503],
  },
  "/api/v1/alerts/:id": {
    operationId: "getAlert",
    summary: "One event.",
    answers: "Alert",
    errors: [404, 503],
  },
  "/api/v1/stats": {
    operationId: "getStats",
    summary: "Counters of the running pipeline and of the store.",
    answers: "Stats",
    errors: [503],
  },
  "/metrics": {
    operationId: "getMetrics",
    summary: "All counters in Prometheus' text format.",
    answers: "text/plain",
    errors: [503],
  },
  "/openapi.json": {
    operationId: "getOpenApi",
    summary: "This description.",
    answers: "OpenApi",
  },
};

const INDEX = {
  health: "/healthz",
  alerts: "/api/v1/alerts",
  stats: "/api/v1/stats",
  metrics: "/metrics",
  openapi: "/openapi.json",
};

const searchOf = (request: Request): URLSearchParams => new URL(request.url).searchParams;

function errorAnswer(code: unknown, error: unknown): Response {
  if (code === "NOT_FOUND")
    return problem(404, { title: "Not found", detail: "GET / lists what there is." });
  if (error instanceof QueryError)
    return problem(400, { title: "Bad query", detail: error.message, errors: error.errors });
  if (error instanceof SQLiteError)
    return problem(503, { title: "The store cannot be read", detail: error.message });
  return problem(500, { title: "Internal error" });
}

/** The read-only API of a running appliance: for {@link serve}, or for requests by `app.handle`. */
export function createApi({ store, snapshot, version, health = () => [] }: ApiOptions) {
  const startedAt = Date.now() * 1000;
  const reasons = (look: Snapshot): string[] => [
    ...store.health(),
    ...pipelineHealth(look, Date.now() * 1000, startedAt),
    ...health(),
  ];
  // Written when all routes are known, the one that shows it too.
  let description = "";
  const app = new Elysia({ normalize: false })
    .onRequest(({ request }) => refusal(request))
    .onError(({ code, error }) => errorAnswer(code, error))
    .onBeforeHandle(({ request, path }) => {
      if (path !== "/api/v1/alerts") noQuery(searchOf(request));
    })
    .get("/", () => json(INDEX))
    .get("/healthz", () => {
      const look = snapshot();
      const wrong = reasons(look);
      const status = wrong.length === 0 ? "ok" : "degraded";
      return json({ status, reasons: wrong, version, uptime: look.uptime });
    })
    .get("/api/v1/alerts", ({ request }) => {
      const { items, next } = store.page(alertQueryOf(searchOf(request)));
      return json({ items: items.map(alertView), next });
    })
    .get("/api/v1/alerts/:id", ({ params: { id } }) => {
      const alert = store.get(id);
      return alert ? json(alertView(alert)) : problem(404, { title: "No such alert" });
    })
    .get("/api/v1/stats", () => {
      const look = snapshot();
      return json({ ...look, at: rfc3339(look.at), store: store.counts() });
    })
    .get("/metrics", () => {
      const look = snapshot();
      const degraded = reasons(look).length > 0;
      const text = metricsText({ snapshot: look, store: store.counts(), version, degraded });
      return answer(text, "text/plain; version=0.0.4; charset=utf-8");
    })
    .get("/openapi.json", () => answer(description, "application/json"));
  description = JSON.stringify(openApi(version, app.routes, OPERATIONS));
  return app;
}

const HOSTNAMES = ["127.0.0.1", "::1", "localhost"];

/**
 * Serve the API on loopback. Throws `ERR_USAGE` for any other address, since there is no log-in, and when
 * the port is taken.
 */
export function serve(
  app: { handle: (request: Request) => Promise<Response> | Response },
  { hostname, port }: { readonly hostname: string; readonly port: number },
): RunningApi {
  if (!HOSTNAMES.includes(hostname))
    throw usageError(`API: ${hostname} is not loopback; it takes ${HOSTNAMES.join(", ")}`);
  try {
    const server = Bun.serve({
      hostname,
      port,
      // No request has a body, and an idle connection is not kept for long.
      maxRequestBodySize: 4096,
      idleTimeout: 30,
      fetch: (request) => app.handle(request),
      error: () => problem(500, { title: "Internal error" }),
    });
    const stop = (): void => void server.stop(true);
    return { url: String(server.url), stop, [Symbol.dispose]: stop };
  } catch (error) {
    throw new NemeanError(
      "ERR_USAGE",
      EXIT.unavailable,
      `--port ${port}: ${messageOf(error)}; choose another port, 0 takes a free one`,
    );
  }
}
