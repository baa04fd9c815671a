// SPDX-License-Identifier: BSD-3-Clause
import { VERSION } from "../../core/module.ts";
import { createApi, type RunningApi, serve } from "../api/index.ts";
import type { Appliance } from "../appliance.ts";
import type { Auth } from "../auth/auth.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { AlertStore } from "../store/alert-store.ts";

/** Serve the API of a running appliance on 127.0.0.1; throws when the port is taken. */
export function startApi(
  store: AlertStore,
  appliance: Appliance,
  {
    port,
    auth,
    delivery,
  }: { readonly port: number; readonly auth?: Auth; readonly delivery?: Delivery },
): RunningApi {
  const app = createApi({
    store,
    ...(auth ? { auth } : {}),
    ...(delivery ? { delivery } : {}),
    snapshot: () => appliance.snapshot(),
    health: () => appliance.health(),
    version: VERSION,
  });
  return serve(app, { hostname: "127.0.0.1", port });
}
