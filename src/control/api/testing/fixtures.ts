// SPDX-License-Identifier: BSD-3-Clause
/** An API over a store and a snapshot that the tests of this folder share. */
import { join } from "node:path";
import type { Alert } from "../../../core/alert.ts";
import { RevisedConfig } from "../../config/control.ts";
import { Revisions } from "../../config/revisions.ts";
import { Delivery } from "../../delivery/delivery.ts";
import type { Snapshot, SourceStats } from "../../snapshot.ts";
import { AlertStore } from "../../store/alert-store.ts";
import { type ApiOptions, createApi } from "../index.ts";

const source = (name: string): SourceStats => ({
  name,
  kind: "live",
  workers: 2,
  meter: {
    packets: 100,
    bytes: 6400,
    ignored: { nonIp: 3, malformed: 1, unknownLink: 0 },
    flows: 10,
    ended: { idle: 4, active: 3, end: 2, forced: 1, resources: 0 },
    live: 5,
    peak: 7,
    evicted: 0,
    fragments: 0,
    fragmentsUnmatched: 0,
    clockJumps: 0,
  },
  capture: { received: 104, dropped: 2, unread: 0, freezes: 1, state: "up" },
});

export const snapshotOf = (change: Partial<Snapshot> = {}): Snapshot => ({
  at: Date.now() * 1000,
  uptime: 12.5,
  sources: [source("tap0"), source("tap0"), { ...source('a"b\\c\nd'), progress: 0.5 }],
  modules: [
    {
      name: "vportscan",
      inputs: { flows: 10 },
      outputs: { alerts: 1 },
      busy: 0.5,
      counters: { bitmaps_reused: 2 },
    },
  ],
  alerts: 1,
  mergeOverflows: 0,
  missed: 0,
  links: [],
  ringDrops: 0,
  outputDrops: 0,
  rss: 50_000_000,
  finished: false,
  ...change,
});

/** What an API has that serves all of its routes, on files in a folder. */
export function everything(folder: string) {
  const sink = { send: async () => ({ accepted: 1 }), close: async () => {} };
  const delivery = Delivery.start(join(folder, "queue.sqlite"), [{ name: "siem", sink }]);
  const revisions = new Revisions(":memory:");
  const close = async (): Promise<void> => {
    revisions[Symbol.dispose]();
    await delivery.close();
  };
  const processes = {
    views: () => [],
    modules: async () => [],
    links: () => [],
    act: () => false,
    logs: async () => undefined,
  };
  return { options: { delivery, processes, config: new RevisedConfig(revisions) }, close };
}

/** An API, and a way to ask it as a client on this machine does. */
export class TestApi implements Disposable {
  readonly store: AlertStore;
  readonly app: ReturnType<typeof createApi>;

  constructor(alerts: readonly Alert[] = [], options: Partial<ApiOptions> = {}) {
    this.store = options.store ?? new AlertStore(":memory:");
    for (const alert of alerts) this.store.put(alert);
    this.store.flush();
    this.app = createApi({
      snapshot: snapshotOf,
      version: "0.1.0",
      ...options,
      store: this.store,
    });
  }

  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    return this.app.handle(new Request(`http://127.0.0.1:8080${path}`, init));
  }

  /** The JSON of an answer. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects.
  async json(path: string): Promise<any> {
    return (await this.ask(path)).json();
  }

  [Symbol.dispose](): void {
    this.store.close();
  }
}
