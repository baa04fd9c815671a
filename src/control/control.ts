// SPDX-License-Identifier: BSD-3-Clause
import { mkdirSync } from "node:fs";
import type { Alert } from "../core/alert.ts";
import { usageError } from "../core/errors.ts";
import { notifier, watchdogInterval } from "../core/net/notify.ts";
import { liveView } from "./api/alert-view.ts";
import { certificateIn } from "./api/certificate.ts";
import type { Processes } from "./api/processes.ts";
import { isLoopback, type Listen } from "./api/serve.ts";
import { startApi } from "./api/start.ts";
import { AlertStream } from "./api/stream.ts";
import { Auth } from "./auth/auth.ts";
import { type ConfigControl, type Reloaded, RevisedConfig } from "./config/control.ts";
import { productOf } from "./config/plan.ts";
import type { ApiConfig, Config, SinkConfig } from "./config/read.ts";
import { Revisions } from "./config/revisions.ts";
import { Sinks } from "./config/sinks.ts";
import { applyUsers } from "./config/users.ts";
import {
  accountsPath,
  makeFolder,
  processSocketPath,
  queuePath,
  socketPath,
  statePath,
  storePath,
  tlsPath,
  trapPath,
} from "./data-folder.ts";
import type { Snapshot } from "./snapshot.ts";
import { AlertStore } from "./store/alert-store.ts";
import type { Backend } from "./supervise/backend.ts";
import { EmbeddedBackend } from "./supervise/embedded.ts";
import { layoutOf, type Product } from "./supervise/layout.ts";
import { linkViews, moduleViews, type Scene } from "./supervise/picture.ts";
import { Supervisor } from "./supervise/supervisor.ts";
import { SystemdBackend, systemdAvailable } from "./supervise/systemd.ts";
import { ListSchedule, type ListSettings } from "./threat-lists/schedule.ts";
import type { WorkerFailure } from "./worker.ts";

export interface ControlOptions {
  readonly product: Product;
  /** Folder of alerts, states, accounts and sockets. */
  readonly data: string;
  readonly api: ApiConfig;
  readonly sinks: readonly SinkConfig[];
  readonly limits?: Pick<Config["limits"], "events" | "queue">;
  /** The configuration that says so, where one does. */
  readonly config?: Config;
  /** The file that it was read from. */
  readonly file?: string | undefined;
  /** Who starts the other processes. */
  readonly supervisor: Backend["kind"];
  /** Whether there are accounts; without them all that can be read is open to this machine. */
  readonly accounts?: boolean;
  readonly onAlert: (alert: Alert) => void;
  /** Takes a line for whoever runs it. */
  readonly say: (line: string) => void;
}

/** What it is made of. */
interface Parts {
  readonly store: AlertStore;
  readonly sinks: Sinks;
  readonly stream: AlertStream;
  readonly revisions: Revisions;
  readonly auth: Auth | undefined;
  readonly lists: ListSchedule;
  readonly supervisor: Supervisor;
  /** All that is to be closed, in the order in which it was opened. */
  readonly open: AsyncDisposableStack;
}

/** Without a configuration. */
const LISTS: ListSettings = { update: true, definitions: "" };
/** Milliseconds between words to the service manager, where it waits for none. */
const STATUS_MS = 5000;
/**
 * Milliseconds that detectors are let wait until their alerts are on the disk. One that is full must not stop them: alerts wait in
 * memory then, and are counted where they are lost.
 */
const KEEP_MS = 1000;
/** Addresses that stand for all of this machine's, and name none. */
const ANY = ["0.0.0.0", "::"];

/**
 * The control process: it has the processes of the product started, stores their alerts, brings these to sinks, and
 * serves the API. It sees no packet and no flow, so nothing that comes from the tap can keep it from its work.
 */
export class Control implements AsyncDisposable {
  readonly auth: Auth | undefined;
  /** What says what runs. */
  readonly config: ConfigControl;
  /** Where the API answers; ends in a slash. */
  readonly url: string;
  readonly #options: ControlOptions;
  readonly #store: AlertStore;
  readonly #sinks: Sinks;
  readonly #lists: ListSchedule;
  readonly #supervisor: Supervisor;
  readonly #notifier = notifier();
  #product: Product;
  readonly #open: AsyncDisposableStack;

  /**
   * Open all that is kept, serve the API, and start the processes: none is started for an API that cannot be.
   * @throws {NemeanError} for what an operator has to mend; nothing is left open then
   */
  static async start(options: ControlOptions): Promise<Control> {
    const open = new AsyncDisposableStack();
    try {
      return await Control.#start(options, open);
    } catch (error) {
      await open.disposeAsync();
      throw error;
    }
  }

  static async #start(options: ControlOptions, open: AsyncDisposableStack): Promise<Control> {
    const { data, product, limits, config } = options;
    makeFolder(data);
    const plans = layoutOf(product, statePath(data));
    const store = open.use(
      new AlertStore(storePath(data), limits ? { alertsMax: limits.events } : {}),
    );
    const sinks = await Sinks.start(options.sinks, {
      path: queuePath(data),
      ...(limits ? { maxBytes: limits.queue * 1024 ** 2 } : {}),
    });
    open.defer(() => sinks.close());
    const stream = new AlertStream();
    const revisions = open.use(new Revisions(storePath(data)));
    const auth = options.accounts === false ? undefined : open.use(new Auth(accountsPath(data)));
    const supervisor = await Supervisor.open({
      backend: backendOf(options),
      socket: processSocketPath(data),
      onAlert: (alert) => {
        store.put(alert);
        stream.put(alert, liveView);
        if (!store.isMuted(alert.id)) sinks.put(alert);
        options.onAlert(alert);
      },
      keep: async () => {
        store.flush();
        await sinks.committed(KEEP_MS);
      },
    });
    open.use(supervisor);
    const lists = open.use(new ListSchedule(config?.lists ?? LISTS, { data, say: options.say }));
    const parts = { store, sinks, stream, revisions, auth, lists, supervisor, open };
    const control = new Control(options, parts);
    await supervisor.apply(plans);
    for (const problem of await control.#users(config)) options.say(`warning: ${problem}`);
    return control;
  }

  private constructor(options: ControlOptions, parts: Parts) {
    const { data, api, config } = options;
    this.#options = options;
    this.#product = options.product;
    this.#store = parts.store;
    this.#sinks = parts.sinks;
    this.#lists = parts.lists;
    this.#supervisor = parts.supervisor;
    this.#open = parts.open;
    this.auth = parts.auth;
    this.config = new RevisedConfig(parts.revisions, {
      ...(config ? { running: config } : {}),
      file: options.file,
      reload: (from, to) => this.#reload(from, to),
    });
    const running = startApi(parts.store, this, {
      listen: listenOf(api, data),
      names: api.names,
      socket: socketPath(data),
      stream: parts.stream,
      delivery: parts.sinks,
      lists: parts.lists,
      processes: this.#processes(),
      config: this.config,
      ...(this.auth ? { auth: this.auth } : {}),
    });
    this.url = parts.open.use(running).url;
    // It answers: whether packets are looked at is another question, and /readyz has the answer.
    this.#notifier.ready("waits for its processes");
    const timer = setInterval(() => this.#tellManager(), watchdogInterval() ?? STATUS_MS);
    parts.open.defer(() => clearInterval(timer));
  }

  snapshot(): Snapshot {
    return this.#supervisor.snapshot();
  }

  health(): string[] {
    const { dropped } = this.#sinks;
    const lost = dropped > 0 ? [`sinks: ${dropped} alerts were lost while they were changed`] : [];
    return [...this.#supervisor.health(), ...lost];
  }

  /** Resolves once packets are looked at, or with what an operator has to mend, unless that is to be waited for. */
  async ready(isPatient = false): Promise<WorkerFailure | undefined> {
    const failure = await this.#supervisor.ready(isPatient);
    if (!failure) this.#notifier.status(this.#status());
    return failure;
  }

  /** Resolves once the sources have no more, and all that they gave has gone through. */
  async finished(): Promise<void> {
    await this.#supervisor.finished();
    this.#store.flush();
  }

  #tellManager(): void {
    this.#notifier.watchdog();
    this.#notifier.status(this.#status());
  }

  #status(): string {
    const wrong = this.health();
    const { alerts } = this.snapshot();
    return wrong.length === 0 ? `ok, ${alerts} alerts` : `degraded: ${wrong.join("; ")}`;
  }

  #processes(): Processes {
    const supervisor = this.#supervisor;
    return {
      views: () => supervisor.views(),
      modules: () => moduleViews(this.#scene()),
      links: () => linkViews(this.#scene()),
      act: (name, what) => supervisor.act(name, what),
      logs: (name, most) => supervisor.logs(name, most),
    };
  }

  #scene(): Scene {
    const { modules, commands } = this.#product;
    return {
      plans: this.#supervisor.plans(),
      snapshots: this.#supervisor.snapshots(),
      modules,
      commands,
      delivery: this.#sinks.stats(),
    };
  }

  async #users(config: Config | undefined): Promise<string[]> {
    return this.auth && config ? await applyUsers(this.auth, config.users) : [];
  }

  /** Put another configuration to work: only processes that are to do something else are started anew. */
  async #reload(from: Config | undefined, to: Config): Promise<Reloaded> {
    const product = productOf(to);
    const plans = layoutOf(product, statePath(this.#options.data));
    this.#notifier.reloading();
    this.#product = product;
    const restarted = await this.#supervisor.apply(plans);
    if (!Bun.deepEquals(from?.sinks ?? this.#options.sinks, to.sinks))
      await this.#sinks.replace(to.sinks);
    this.#lists.replace(to.lists);
    this.#notifier.ready(this.#status());
    const { api, data } = this.#options;
    const pending = await this.#users(to);
    if (from !== undefined && !Bun.deepEquals(limitsOf(to), limitsOf(from)))
      pending.push("limits of events and queue: a restart of control");
    if (!Bun.deepEquals(to.api, from?.api ?? api)) pending.push("api: a restart of control");
    if (from !== undefined && to.data !== from.data)
      pending.push(`data: a restart of control; it is ${data}`);
    return { restarted, pending };
  }

  /** End the processes, then keep what they brought. */
  async stop(): Promise<void> {
    this.#notifier.stopping();
    await this.#supervisor.stop();
    this.#store.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open.disposeAsync();
  }
}

/** Limits that are looked at when files are opened. */
const limitsOf = ({ limits: { events, queue } }: Config) => ({ events, queue });

function backendOf({ supervisor, data, say }: ControlOptions): Backend {
  if (supervisor === "systemd") {
    if (!systemdAvailable())
      throw usageError("--supervisor systemd: systemd does not run this machine; leave it out");
    return new SystemdBackend({ onProblem: (message) => say(`warning: ${message}`) });
  }
  // As elsewhere, unless the operator says where NEMEA's modules look for their sockets.
  const sockets = process.env["TRAP_SOCKET_DIR"] ?? trapPath(data);
  mkdirSync(sockets, { recursive: true, mode: 0o750 });
  return new EmbeddedBackend({
    socket: processSocketPath(data),
    env: { TRAP_SOCKET_DIR: sockets },
    onLine: (name, { level, message }) => {
      // Our own processes begin their lines with their name.
      const text = message.startsWith(`${name}: `) ? message : `${name}: ${message}`;
      if (level !== "debug")
        say(level === "info" || level === "notice" ? text : `${level}: ${text}`);
    },
  });
}

/** Where the API listens, with its certificate when it speaks TLS. */
function listenOf({ host, names, tls, port }: ApiConfig, data: string): Listen {
  if (!tls) return { hostname: host, port };
  const local = ["localhost", "127.0.0.1", "::1"];
  const others = [host, ...names].filter((name) => !isLoopback(name) && !ANY.includes(name));
  return { hostname: host, port, tls: certificateIn(tlsPath(data), [...local, ...others]) };
}
