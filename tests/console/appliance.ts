// SPDX-License-Identifier: BSD-3-Clause
/** An appliance without traffic, for the console's tests: all of the API, over what a test says there is. */
import { join } from "node:path";
import { liveView } from "../../src/control/api/alert-view.ts";
import { type RunningApi, serve } from "../../src/control/api/serve.ts";
import { AlertStream } from "../../src/control/api/stream.ts";
import { snapshotOf, TestApi } from "../../src/control/api/testing/fixtures.ts";
import { TestAuth } from "../../src/control/auth/testing/auth.ts";
import { RevisedConfig } from "../../src/control/config/control.ts";
import { type Config, parseConfig } from "../../src/control/config/read.ts";
import { Revisions } from "../../src/control/config/revisions.ts";
import { Delivery } from "../../src/control/delivery/delivery.ts";
import { AlertStore } from "../../src/control/store/alert-store.ts";
import type { Alert } from "../../src/core/alert.ts";
import type { TopView } from "../../src/core/flow/top.ts";
import { FakeProcesses } from "./fake-processes.ts";

export const configOf = (idle: number): string =>
  `# at the uplink\n[[sources]]\ninterface = "eth0"\n\n[meter]\nidle = ${idle}\n`;

const TOP: TopView = {
  seconds: 300,
  talkers: [
    { ip: "192.0.2.10", bytes: 9_200_000_000, packets: 7_100_000, flows: 1200 },
    { ip: "2001:db8:1111:2222:3333:4444:5555:6666", bytes: 4_100_000_000, packets: 9, flows: 1 },
  ],
  ports: [
    { protocol: 6, port: 443, bytes: 8_000_000_000, packets: 6_000_000, flows: 9000 },
    { protocol: 17, port: 53, bytes: 12_000_000, packets: 90_000, flows: 41_000 },
  ],
};

/** What an appliance has that is not as others are. */
interface Of {
  /** Nobody has set it up. */
  readonly isNew?: boolean;
  /** It was started with options alone, as `nemean up -I eth0` does. */
  readonly isConfigured?: boolean;
}

/** Users root (admin), ann (operator) and vic (viewer); configurations 1 and 2; a sink; processes. */
export class ConsoleAppliance implements AsyncDisposable {
  readonly accounts = new TestAuth();
  readonly processes = new FakeProcesses();
  readonly #revisions = new Revisions(":memory:");
  readonly #delivery: Delivery;
  readonly #config: RevisedConfig;
  readonly #store = new AlertStore(":memory:");
  #stream = new AlertStream();
  #server: RunningApi;

  static async of(
    alerts: readonly Alert[] = [],
    { isNew = false, isConfigured = true }: Of = {},
  ): Promise<ConsoleAppliance> {
    const running = isConfigured ? await parseConfig(configOf(60), "test") : undefined;
    const appliance = new ConsoleAppliance(alerts, running);
    if (isNew) return appliance;
    await appliance.accounts.user("root", "admin");
    await appliance.accounts.user("ann", "operator");
    await appliance.accounts.user("vic", "viewer");
    return appliance;
  }

  private constructor(alerts: readonly Alert[], running: Config | undefined) {
    if (running) {
      this.#revisions.apply(configOf(30), "first");
      this.#revisions.apply(configOf(60), "longer");
    }
    const sink = {
      send: async (sent: readonly Alert[]) => ({ accepted: sent.length }),
      close: async () => {},
    };
    const queue = join(this.accounts.folder.path, "delivery.sqlite");
    this.#delivery = Delivery.start(queue, [{ name: "siem", sink }]);
    this.#config = new RevisedConfig(this.#revisions, {
      ...(running ? { running } : {}),
      reload: async () => ({ restarted: ["detectors"], pending: ["api.port: control"] }),
    });
    for (const alert of alerts) this.#store.put(alert);
    this.#store.flush();
    this.#server = this.#serve(0);
  }

  #serve(port: number): RunningApi {
    const snapshot = snapshotOf({
      top: TOP,
      sources: [{ ...snapshotOf().sources[0]!, name: "eth0" }],
    });
    const { app } = new TestApi([], {
      store: this.#store,
      auth: this.accounts.auth,
      snapshot: () => ({ ...snapshot, at: Date.now() * 1000 }),
      processes: this.processes,
      delivery: this.#delivery,
      stream: this.#stream,
      config: this.#config,
    });
    return serve(app, { hostname: "127.0.0.1", port });
  }

  /** Ends in a slash. */
  get url(): string {
    return this.#server.url;
  }

  page(hash: string): string {
    return `${this.url}console#/${hash}`;
  }

  /** The connections of all who listen for alerts end; they may come back. */
  cut(): void {
    this.#stream.close();
  }

  /** The API ends, something happens, and it starts anew: it knows what is stored, and nothing of who listened. */
  restart(meanwhile: () => void): void {
    const { port } = new URL(this.url);
    this.#server.stop();
    meanwhile();
    this.#stream = new AlertStream();
    this.#server = this.#serve(Number(port));
  }

  /** An alert comes: it is stored, and told to who listens. */
  alert(alert: Alert): void {
    this.#store.put(alert);
    this.#store.flush();
    this.#delivery.put(alert);
    this.#stream.put(alert, liveView);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.stop();
    this.#stream.close();
    await this.#delivery.close();
    this.#store.close();
    this.#revisions[Symbol.dispose]();
    this.accounts[Symbol.dispose]();
  }
}
