// SPDX-License-Identifier: BSD-3-Clause
import { VERSION } from "../../core/module.ts";
import type { Auth } from "../auth/auth.ts";
import type { ConfigControl } from "../config/control.ts";
import type { DeliveryView } from "../delivery/delivery.ts";
import type { Snapshot } from "../snapshot.ts";
import type { AlertStore } from "../store/alert-store.ts";
import type { ListSchedule } from "../threat-lists/schedule.ts";
import { createApi } from "./index.ts";
import type { Processes } from "./processes.ts";
import { isLoopback, type Listen, type RunningApi, serve, serveSocket } from "./serve.ts";
import type { AlertStream } from "./stream.ts";

export interface ApiPlaces {
  readonly listen: Listen;
  /** Names clients may call it by, beside those of loopback. */
  readonly names?: readonly string[];
  /** Path of the unix socket, for `nemean ctl`. */
  readonly socket?: string;
  readonly stream?: AlertStream;
  readonly auth?: Auth;
  readonly delivery?: DeliveryView;
  readonly config?: ConfigControl;
  readonly processes?: Processes;
  readonly lists?: Pick<ListSchedule, "notes" | "views">;
}

/** What runs, as far as it is shown. */
export interface Shown {
  snapshot(): Snapshot;
  /** What is wrong with it, in words. */
  health(): readonly string[];
}

/** Serve the API of a running appliance; throws when the port is taken. */
export function startApi(
  store: AlertStore,
  appliance: Shown,
  { listen, names = [], socket, ...more }: ApiPlaces,
): RunningApi {
  const secure = listen.tls !== undefined;
  const isLocal = isLoopback(listen.hostname) && !secure;
  const app = createApi({
    store,
    ...(isLocal ? {} : { reach: { hosts: [...names, listen.hostname], secure } }),
    ...more,
    snapshot: () => appliance.snapshot(),
    health: () => appliance.health(),
    version: VERSION,
  });
  const api = serve(app, listen);
  if (socket === undefined) return api;
  const local = serveSocket(app, socket);
  const stop = (): void => {
    local[Symbol.dispose]();
    api.stop();
  };
  return { url: api.url, stop, [Symbol.dispose]: stop };
}
