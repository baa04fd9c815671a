// SPDX-License-Identifier: BSD-3-Clause
import { VERSION } from "../../core/module.ts";
import { createApi, type RunningApi, serve, serveSocket } from "../api/index.ts";
import type { AlertStream } from "../api/stream.ts";
import type { Appliance } from "../appliance.ts";
import type { Auth } from "../auth/auth.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { AlertStore } from "../store/alert-store.ts";

export interface ApiPlaces {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Path of the unix socket, for `nemean ctl`. */
  readonly socket?: string;
  readonly stream?: AlertStream;
  readonly auth?: Auth;
  readonly delivery?: Delivery;
}

/** Serve the API of a running appliance; throws when the port is taken. */
export function startApi(
  store: AlertStore,
  appliance: Appliance,
  { port, socket, ...more }: ApiPlaces,
): RunningApi {
  const app = createApi({
    store,
    ...more,
    snapshot: () => appliance.snapshot(),
    health: () => appliance.health(),
    version: VERSION,
  });
  const api = serve(app, { hostname: "127.0.0.1", port });
  if (socket === undefined) return api;
  const local = serveSocket(app, socket);
  const stop = (): void => {
    local[Symbol.dispose]();
    api.stop();
  };
  return { url: api.url, stop, [Symbol.dispose]: stop };
}
