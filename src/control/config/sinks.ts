// SPDX-License-Identifier: BSD-3-Clause
import { hostname } from "node:os";
import { VERSION } from "../../core/module.ts";
import { Delivery } from "../delivery/delivery.ts";
import type { NamedSink } from "../delivery/worker.ts";
import { exporterNamed } from "../modules.ts";
import type { SinkConfig } from "./read.ts";

/** Hosts name themselves so in messages: letters of ASCII, no blanks. */
const UNFIT = /[^\x21-\x7e]/g;

/**
 * Begin to bring alerts to the sinks of a configuration; undefined when there are none.
 * @throws {NemeanError} for parameters that cannot work, and a queue that cannot be opened
 */
export async function startDelivery(
  sinks: readonly SinkConfig[],
  queue: string,
): Promise<Delivery | undefined> {
  if (sinks.length === 0) return undefined;
  const place = { host: hostname().replaceAll(UNFIT, "-"), version: VERSION };
  const named = sinks.map(async ({ name, exporter, params, route }): Promise<NamedSink> => {
    const def = await exporterNamed(exporter, `sinks.${name}: `);
    return { name, route, sink: def.open(params as never, place) };
  });
  return Delivery.start(queue, await Promise.all(named));
}
