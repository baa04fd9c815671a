// SPDX-License-Identifier: BSD-3-Clause
import { SQLiteError } from "bun:sqlite";
import { Elysia } from "elysia";
import { rfc3339 } from "../../core/unirec/time.ts";
import type { Auth } from "../auth/auth.ts";
import type { ConfigControl } from "../config/control.ts";
import type { DeliveryView } from "../delivery/delivery.ts";
import type { Snapshot } from "../snapshot.ts";
import type { AlertStore } from "../store/alert-store.ts";
import type { ListSchedule } from "../threat-lists/schedule.ts";
import { ACCOUNT_ROUTES, type AccountRoute } from "./accounts.ts";
import { admit } from "./admission.ts";
import { alertView } from "./alert-view.ts";
import { readBody } from "./body.ts";
import { configRoutes } from "./config.ts";
import {
  CONSOLE_OPERATIONS,
  CONSOLE_PATHS,
  consoleFile,
  toConsole,
  wantsPage,
} from "./console-routes.ts";
import { gate } from "./gate.ts";
import { LOOPBACK, type Reach, refusal } from "./guard.ts";
import { deliveryHealth, healthView, pipelineHealth } from "./health.ts";
import { metricsText } from "./metrics.ts";
import { type Operation, openApi, type Route } from "./openapi.ts";
import { answer, json, problem } from "./problem.ts";
import { type Processes, processRoutes } from "./processes.ts";
import { ALERT_PARAMETERS, alertQueryOf, QueryError } from "./query.ts";
import { RateLimit } from "./rate.ts";
import { addressOf } from "./serve.ts";
import { sinkRoutes } from "./sinks.ts";
import { AlertStream } from "./stream.ts";
import { triageRoute } from "./triage.ts";

export interface ApiOptions {
  readonly store: AlertStore;
  readonly snapshot: () => Snapshot;
  readonly version: string;
  /** Users, sessions and tokens; without them alerts can be read, and no more. */
  readonly auth?: Auth;
  /** Who can come here at all: this machine when left out. */
  readonly reach?: Reach;
  /** Alerts as they come. */
  readonly stream?: AlertStream;
  /** Where alerts are brought to, where there are sinks. */
  readonly delivery?: DeliveryView;
  /** The configuration, where one can be changed. */
  readonly config?: ConfigControl;
  /** The processes of the appliance, where it has more than one. */
  readonly processes?: Processes;
  /** Threat lists that are fetched. */
  readonly lists?: Pick<ListSchedule, "notes" | "views">;
  /** How many requests anybody may send. */
  readonly rate?: RateLimit;
  /** Further reasons why the product is degraded, in words. */
  readonly health?: () => readonly string[];
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "GET /": {
    needs: "public",
    operationId: "getIndex",
    summary: "Where everything is.",
    answers: "Index",
  },
  "GET /healthz": {
    needs: "public",
    unlimited: true,
    operationId: "getHealth",
    summary: "Whether it runs (200), and what is wrong; the reasons to those who may read alerts.",
    answers: "Health",
  },
  "GET /readyz": {
    needs: "public",
    unlimited: true,
    operationId: "getReadiness",
    summary: "Whether packets are looked at (200), or not yet or no more (503).",
    answers: "Readiness",
    errors: [503],
  },
  "GET /api/v1/alerts": {
    needs: "read:alerts",
    operationId: "listAlerts",
    summary: "A page of events, those opened last first.",
    answers: "AlertPage",
    query: ALERT_PARAMETERS,
    errors: [503],
  },
  "GET /api/v1/alerts/stream": {
    needs: "read:alerts",
    operationId: "streamAlerts",
    summary: "Alerts as they come, as server-sent events; Last-Event-ID goes on where one was.",
    answers: "text/event-stream",
    errors: [503],
  },
  "GET /api/v1/alerts/:id": {
    needs: "read:alerts",
    operationId: "getAlert",
    summary: "One event.",
    answers: "Alert",
    errors: [404, 503],
  },
  "GET /api/v1/stats": {
    needs: "read:alerts",
    operationId: "getStats",
    summary: "Counters of the running pipeline and of the store.",
    answers: "Stats",
    errors: [503],
  },
  "GET /api/v1/top": {
    needs: "read:alerts",
    operationId: "getTop",
    summary: "The addresses and ports with most traffic of the last minutes.",
    answers: "Top",
    errors: [404],
  },
  "GET /metrics": {
    needs: "read:alerts",
    operationId: "getMetrics",
    summary: "All counters in Prometheus' text format.",
    answers: "text/plain",
    errors: [503],
  },
  "GET /openapi.json": {
    needs: "public",
    operationId: "getOpenApi",
    summary: "This description.",
    answers: "OpenApi",
  },
  ...CONSOLE_OPERATIONS,
};

const INDEX = {
  console: "/console",
  health: "/healthz",
  ready: "/readyz",
  alerts: "/api/v1/alerts",
  stats: "/api/v1/stats",
  metrics: "/metrics",
  openapi: "/openapi.json",
};

const notReady = (): Response => problem(503, { title: "The pipeline does not run" });

const searchOf = (request: Request): URLSearchParams => new URL(request.url).searchParams;

const PARAMETER = /:\w+/g;

/** Methods of the routes that a path belongs to; none when there is no such path. */
function methodsOf(path: string, routes: readonly Route[]): string[] {
  const methods = routes
    .filter((route) => new RegExp(`^${route.path.replace(PARAMETER, "[^/]+")}$`).test(path))
    .map(({ method }) => method);
  return methods.includes("GET") ? [...methods, "HEAD"] : methods;
}

function errorAnswer(code: unknown, error: unknown, methods: readonly string[]): Response {
  if (code === "NOT_FOUND" && methods.length > 0)
    return problem(405, { title: "Method not allowed" }, { allow: methods.join(", ") });
  if (code === "NOT_FOUND")
    return problem(404, { title: "Not found", detail: "GET / lists what there is." });
  if (error instanceof QueryError)
    return problem(400, { title: "Bad query", detail: error.message, errors: error.errors });
  if (error instanceof SQLiteError)
    return problem(503, { title: "The store cannot be read", detail: error.message });
  return problem(500, { title: "Internal error" });
}

/** Routes that are for users; each part of the appliance has its own. */
const accountRoutesOf = ({
  store,
  delivery,
  config,
  processes,
}: ApiOptions): readonly AccountRoute[] => [
  ...ACCOUNT_ROUTES,
  triageRoute(store),
  ...(delivery ? sinkRoutes({ delivery, store }) : []),
  ...(config ? configRoutes(config) : []),
  ...(processes ? processRoutes(processes) : []),
];

/** Without accounts what shows alerts is open, and nothing can be changed. */
const openRoutesOf = ({ processes }: ApiOptions): readonly AccountRoute[] =>
  processes ? processRoutes(processes).filter(({ needs }) => needs === "read:alerts") : [];

/** Names only what there is: who reads it asks for nothing else. */
const indexOf = ({
  auth,
  delivery,
  config,
  processes,
}: ApiOptions): Readonly<Record<string, string>> => ({
  ...INDEX,
  ...(auth ? { session: "/api/v1/session" } : {}),
  ...(auth && config ? { config: "/api/v1/config" } : {}),
  ...(processes ? { processes: "/api/v1/processes" } : {}),
  ...(auth && delivery ? { sinks: "/api/v1/sinks" } : {}),
});

/** The page for a browser, and where everything is for a program. */
const front = (request: Request, ...parts: object[]): Response =>
  wantsPage(request) ? toConsole() : json(Object.assign({}, ...parts));

/** What one is here, so that who asks need not run into a refusal to learn it; nothing where there are no accounts. */
function accessOf(auth: Auth | undefined, request: Request, reach: Reach): { access?: string } {
  if (!auth) return {};
  if (auth.setup.isOpen) return { access: "setup" };
  // Who comes with a token is known, and has no session.
  const { refusal } = admit(auth, request, { needs: "account", reach });
  return { access: refusal ? "stranger" : "session" };
}

/** The API of a running appliance: for {@link serve}, or for requests by `app.handle`. */
export function createApi(options: ApiOptions) {
  const { store, snapshot, version, auth, delivery, health = () => [] } = options;
  const stream = options.stream ?? new AlertStream();
  const reach = options.reach ?? LOOPBACK;
  const rate = options.rate ?? new RateLimit();
  const startedAt = Date.now() * 1000;
  const silence = (look: Snapshot) => pipelineHealth(look, Date.now() * 1000, startedAt);
  const reasons = (look: Snapshot): string[] => [
    ...store.health(),
    ...silence(look),
    ...health(),
    ...(delivery ? deliveryHealth(delivery.stats()) : []),
  ];
  const accountRoutes = auth ? accountRoutesOf(options) : openRoutesOf(options);
  const operations: Readonly<Record<string, Operation>> = {
    ...OPERATIONS,
    ...Object.fromEntries(accountRoutes.map((route) => [`${route.method} ${route.path}`, route])),
  };
  const index = indexOf(options);
  // Written when all routes are known, the one that shows it too.
  let description = "";
  const routes = (): readonly Route[] => app.routes;
  const app = new Elysia({ normalize: false })
    .onRequest(({ request }) => refusal(request, reach))
    .onError(({ request, code, error, path }) => {
      const tooMany = code === "NOT_FOUND" ? rate.refusal(request, undefined) : undefined;
      return tooMany ?? errorAnswer(code, error, methodsOf(path, routes()));
    })
    .onBeforeHandle(gate({ auth, reach, rate, operations }))
    .get("/", ({ request }) => front(request, index, accessOf(auth, request, reach)))
    .get("/healthz", ({ request }) => {
      const look = snapshot();
      const { refusal } = admit(auth, request, { needs: "read:alerts", reach });
      const isStranger = reach !== LOOPBACK && refusal !== undefined;
      const notes = options.lists?.notes() ?? [];
      return json(healthView(look, { version, reasons: reasons(look), notes, isStranger }));
    })
    .get("/readyz", () => {
      const look = snapshot();
      return look.at > 0 && silence(look).length === 0 ? json({ ready: true }) : notReady();
    })
    .get("/api/v1/alerts", ({ request }) => {
      const { items, next } = store.page(alertQueryOf(searchOf(request)));
      return json({ items: items.map(alertView), next });
    })
    .get("/api/v1/alerts/stream", ({ request }) =>
      stream.open(request.headers.get("last-event-id")),
    )
    .get("/api/v1/alerts/:id", ({ params: { id } }) => {
      const alert = store.get(id);
      return alert ? json(alertView(alert)) : problem(404, { title: "No such alert" });
    })
    .get("/api/v1/stats", () => {
      const look = snapshot();
      const sinks = delivery ? { delivery: delivery.stats() } : {};
      return json({ ...look, at: rfc3339(look.at), store: store.counts(), ...sinks });
    })
    .get("/api/v1/top", () => {
      const { top } = snapshot();
      return top ? json(top) : problem(404, { title: "Nothing is known yet" });
    })
    .get("/metrics", () => {
      const look = snapshot();
      const degraded = reasons(look).length > 0;
      const sinks = delivery ? { delivery: delivery.stats() } : {};
      const text = metricsText({
        snapshot: look,
        store: store.counts(),
        version,
        degraded,
        limited: rate.limited,
        lists: options.lists?.views() ?? [],
        processes: options.processes?.views() ?? [],
        ...sinks,
      });
      return answer(text, "text/plain; version=0.0.4; charset=utf-8");
    })
    .get("/openapi.json", () => answer(description, "application/json"));
  for (const route of accountRoutes) addRoute(app, { auth, reach }, route);
  for (const path of CONSOLE_PATHS) app.get(path, () => consoleFile(path));
  description = JSON.stringify(openApi(version, app.routes, operations));
  return app;
}

type Adding = { route(method: string, path: string, handler: unknown, hook: unknown): unknown };

function addRoute(
  app: Adding,
  { auth, reach }: { auth: Auth | undefined; reach: Reach },
  route: AccountRoute,
): void {
  const handler = async ({
    request,
    params,
  }: {
    request: Request;
    params?: Record<string, string>;
  }) => {
    const { principal } = admit(auth, request, { needs: route.needs, reach });
    const read = route.body ? await readBody(request, route.body, route.bodyMax) : { body: {} };
    if ("refusal" in read) return read.refusal;
    const address = addressOf(request);
    return route.handle({
      // Routes that are there without accounts have no use for them.
      auth: auth!,
      request,
      principal,
      address,
      body: read.body,
      params: params ?? {},
    });
  };
  // The body is read by its own fields, and by nobody before.
  app.route(route.method, route.path, handler, { parse: "none" });
}
