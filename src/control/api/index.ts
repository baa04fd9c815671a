// SPDX-License-Identifier: BSD-3-Clause
import { Elysia } from "elysia";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import type { Snapshot } from "../snapshot.ts";
import type { AlertStore } from "../store/alert-store.ts";
import { metricsText } from "./metrics.ts";
import { alertQueryOf, QueryError } from "./query.ts";

export interface ApiOptions {
  readonly store: AlertStore;
  readonly snapshot: () => Snapshot;
  readonly version: string;
}

export interface RunningApi extends Disposable {
  readonly url: string;
}

const HEADERS = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
} as const;

/** RFC 9457. */
const problem = (status: number, title: string, detail?: string): Response =>
  Response.json(
    { type: "about:blank", title, status, ...(detail === undefined ? {} : { detail }) },
    { status, headers: { ...HEADERS, "content-type": "application/problem+json" } },
  );

const json = (body: unknown): Response => Response.json(body, { headers: HEADERS });

const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

/** Refuse what a page of another site could send: a foreign Host (DNS rebinding), a foreign Origin, a change. */
function refusal(request: Request): Response | undefined {
  const host = request.headers.get("host") ?? new URL(request.url).host;
  if (!LOOPBACK.test(host)) return problem(403, "Host not allowed");
  const origin = request.headers.get("origin");
  if (origin !== null && origin !== `http://${host}`) return problem(403, "Origin not allowed");
  if (request.method !== "GET" && request.method !== "HEAD")
    return problem(405, "Method not allowed");
  return undefined;
}

/** The read-only API of a running appliance. */
export function createApi({ store, snapshot, version }: ApiOptions) {
  return new Elysia()
    .onRequest(({ request }) => refusal(request))
    .onError(({ code, error }) => {
      if (code === "NOT_FOUND") return problem(404, "Not found");
      if (error instanceof QueryError) return problem(400, "Bad query", error.message);
      return problem(500, "Internal error");
    })
    .get("/healthz", () => {
      const degraded = store.health();
      return json({ status: degraded.length === 0 ? "ok" : "degraded", degraded, version });
    })
    .get("/api/v1/alerts", ({ request }) =>
      json(store.page(alertQueryOf(new URL(request.url).searchParams))),
    )
    .get("/api/v1/alerts/:id", ({ params: { id } }) => {
      const alert = store.get(id);
      return alert ? json(alert) : problem(404, "No such alert");
    })
    .get("/api/v1/stats", () => json({ ...snapshot(), store: store.counts() }))
    .get(
      "/metrics",
      () =>
        new Response(metricsText(snapshot()), {
          headers: { ...HEADERS, "content-type": "text/plain; version=0.0.4; charset=utf-8" },
        }),
    );
}

/** Serve it on 127.0.0.1. Throws ERR_USAGE with the cure when the port is taken. */
export function serve(
  app: { handle: (request: Request) => Promise<Response> | Response },
  { hostname, port }: { readonly hostname: "127.0.0.1"; readonly port: number },
): RunningApi {
  try {
    const server = Bun.serve({ hostname, port, fetch: (request) => app.handle(request) });
    return { url: String(server.url), [Symbol.dispose]: () => void server.stop(true) };
  } catch (error) {
    throw new NemeanError("ERR_USAGE", EXIT.unavailable, `--port ${port}: ${messageOf(error)}`);
  }
}
