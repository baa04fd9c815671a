// SPDX-License-Identifier: BSD-3-Clause
/** An appliance for the console's tests: the API, and in front of it a pipeline and a configuration that tests move. */
import { type RunningApi, serve } from "../../src/control/api/serve.ts";
import type { TestApi } from "../../src/control/api/testing/fixtures.ts";
import type { LinkView, ModuleView, ProcessView } from "../../src/control/supervise/view.ts";

const SINCE = "2026-01-05T09:00:00.000000Z";

type Told<T> = { -readonly [P in keyof T]: T[P] };
type Process = Told<Omit<ProcessView, "since" | "retryAt">> & {
  since: string;
  retryAt: string | null;
};

const processOf = (change: Partial<Process> & Pick<Process, "name" | "kind">): Process => ({
  state: "running",
  pid: 4711,
  since: SINCE,
  restarts: 0,
  reason: null,
  retryAt: null,
  cpu: 12.5,
  memory: 84_200_000,
  modules: [],
  ...change,
});

const moduleOf = (
  name: string,
  process: string | null,
  change: Partial<ModuleView> = {},
): ModuleView => ({
  name,
  kind: "detector",
  about: `Finds what ${name} is there for.`,
  enabled: process !== null,
  process,
  params: {},
  inputs: { flows: 120_000 },
  outputs: { alerts: 12 },
  counters: { malformed_records: 0 },
  busy: 3.25,
  ...change,
});

const linkOf = (from: string, to: string, change: Partial<LinkView> = {}): LinkView => ({
  from,
  fromPort: "flows",
  to,
  toPort: "flows",
  via: "memory",
  records: 120_000,
  dropped: 0,
  queued: null,
  ...change,
});

interface Wish {
  readonly body?: string;
  readonly reason?: string;
  readonly revision?: number;
}

/** What there is, and what was asked of it. */
export class Supervised implements Disposable {
  readonly processes: Process[] = [
    processOf({ name: "control", kind: "control", memory: 96_000_000 }),
    processOf({ name: "capture@eth0", kind: "capture", pid: 4712 }),
    processOf({ name: "capture@eth1", kind: "capture", pid: 4713 }),
    processOf({ name: "detectors", kind: "detectors", modules: ["vportscan", "haddrscan"] }),
    processOf({
      name: "module@ddos",
      kind: "module",
      modules: ["ddos"],
      restarts: 3,
      state: "failed",
      pid: null,
      reason: "exit code 70: the table is \u202efull\u001b[31m",
      retryAt: "2026-01-05T09:05:00.000000Z",
    }),
  ];
  modules: ModuleView[] = [
    moduleOf("vportscan", "detectors", { params: { portsMax: 40, idleTimeout: 0.5 } }),
    moduleOf("haddrscan", "detectors"),
    moduleOf("ddos", "module@ddos"),
    moduleOf("logger", null, { kind: "module" }),
  ];
  links: LinkView[] = [
    ...["vportscan", "haddrscan"].flatMap((name) => [
      linkOf("capture@eth0", name, { via: "u:capture-eth0" }),
      linkOf("capture@eth1", name, { via: "u:capture-eth1" }),
      linkOf(name, "alerts", { fromPort: "alerts", records: 12 }),
    ]),
    linkOf("capture@eth0", "ddos", { via: "u:capture-eth0", dropped: 3400, queued: 12 }),
    linkOf("ddos", "alerts", { fromPort: "alerts", records: 3 }),
    linkOf("alerts", "sink:siem", { via: "queue", records: 27, queued: 2 }),
  ];
  /** `POST` and paths, in the order they came. */
  readonly asked: string[] = [];
  readonly revisions = [
    { id: 1, at: SINCE, reason: "first", body: "[meter]\nidle = 30\n" },
    {
      id: 2,
      at: "2026-01-06T10:00:00.000000Z",
      reason: "less memory",
      body: '# The appliance at the uplink\n[[sources]]\ninterface = "eth0"\n\n[meter]\nidle = 60\n',
    },
  ];
  readonly #api: TestApi;
  readonly #server: RunningApi;

  constructor(api: TestApi) {
    this.#api = api;
    this.#server = serve(
      { handle: (request) => this.#handle(request) },
      { hostname: "127.0.0.1", port: 0 },
    );
  }

  get url(): string {
    return this.#server.url;
  }

  async #handle(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/openapi.json") return this.#description();
    if (request.method === "POST") this.asked.push(pathname);
    const answer = await this.#own(request, pathname);
    return answer ? Response.json(answer) : this.#api.app.handle(request);
  }

  async #description(): Promise<Response> {
    const description = await this.#api.json("/openapi.json");
    for (const path of ["processes", "modules", "links", "top", "config", "alerts/{id}/deliveries"])
      description.paths[`/api/v1/${path}`] ??= {};
    return Response.json(description);
  }

  async #own(request: Request, path: string): Promise<unknown> {
    const [, of, name, what] = /^\/api\/v1\/(\w+)(?:\/([^/]+))?(?:\/(\w+))?$/.exec(path) ?? [];
    if (request.method === "POST" && (of === "processes" || of === "config")) {
      if (!request.headers.has("x-csrf-token")) return undefined;
      return of === "processes"
        ? this.#act(name!, what!)
        : this.#configure(name!, (await request.json()) as Wish);
    }
    for (const process of this.processes) process.cpu += process.pid === null ? 0 : 0.1;
    if (of === "processes")
      return what === "logs" ? { items: this.#lines() } : { items: this.processes };
    if (of === "modules") return { items: this.modules };
    if (of === "links") {
      this.links = this.links.map((link) => ({ ...link, records: link.records + 2500 }));
      return { items: this.links };
    }
    if (of === "top") return TOP;
    if (of === "alerts" && what === "deliveries") return DELIVERIES;
    if (of === "config") return this.#configuration(name, what);
    return undefined;
  }

  #act(name: string, action: string): unknown {
    const process = this.processes.find((each) => each.name === decodeURIComponent(name))!;
    process.state = action === "stop" ? "stopped" : "running";
    process.pid = action === "stop" ? null : 4800;
    process.reason = null;
    return { done: true };
  }

  #lines() {
    return Array.from({ length: 60 }, (_, i) => ({
      at: `2026-01-05T09:00:${String(i).padStart(2, "0")}.000000Z`,
      level: i % 20 === 19 ? "warning" : "info",
      message:
        i % 20 === 19 ? "ring is full: \u001b[2J12 records lost" : `looked at ${i * 1000} flows`,
    }));
  }

  #configuration(name: string | undefined, id: string | undefined): unknown {
    const newest = this.revisions.at(-1)!;
    if (name === undefined) return { ...newest, revision: newest.id };
    if (id === undefined)
      return { items: this.revisions.map(({ body, ...rest }) => rest).reverse() };
    const found = this.revisions.find((each) => String(each.id) === id);
    return found && { ...found, revision: found.id };
  }

  #configure(what: string, { body, reason, revision }: Wish) {
    const line = (body ?? "").split("\n").findIndex((text) => text.includes("idel")) + 1;
    const problems =
      line > 0 ? [{ line, column: 1, message: 'no "idel"; did you mean idle?' }] : [];
    const changes = ["meter.idle: 60 -> 30"];
    if (what === "check") return { problems, changes: line > 0 ? [] : changes };
    const id = this.revisions.length + 1;
    const old = this.revisions.find((each) => each.id === revision);
    const made =
      what === "rollback"
        ? { body: old!.body, reason: `rollback to ${revision}` }
        : { body: body!, reason: reason ?? "apply" };
    this.revisions.push({ id, at: "2026-01-07T11:00:00.000000Z", ...made });
    return {
      revision: id,
      changes,
      restarted: ["detectors"],
      pending: ["api.port: a restart of control"],
    };
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]();
  }
}

const TOP = {
  seconds: 300,
  talkers: [
    { ip: "192.0.2.10", bytes: 9_200_000_000, packets: 7_100_000, flows: 1200 },
    { ip: "2001:db8:1:2:3:4:5:6", bytes: 4_100_000_000, packets: 3_300_000, flows: 800 },
    { ip: "198.51.100.7", bytes: 120_000_000, packets: 900_000, flows: 44_000 },
  ],
  ports: [
    { protocol: 6, port: 443, bytes: 8_000_000_000, packets: 6_000_000, flows: 9000 },
    { protocol: 17, port: 53, bytes: 12_000_000, packets: 90_000, flows: 41_000 },
  ],
};

const DELIVERIES = {
  items: [
    { sink: "siem", state: "delivered" },
    { sink: "archive", state: "waiting", reason: "connection refused" },
    { sink: "pager", state: "not routed" },
  ],
};
