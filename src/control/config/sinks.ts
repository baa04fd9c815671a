// SPDX-License-Identifier: BSD-3-Clause
import { hostname } from "node:os";
import type { Alert } from "../../core/alert.ts";
import { VERSION } from "../../core/module.ts";
import { Delivery, type DeliveryStats } from "../delivery/delivery.ts";
import type { DeadLetter } from "../delivery/queue-file.ts";
import type { NamedSink } from "../delivery/worker.ts";
import { exporterNamed } from "../modules.ts";
import type { SinkConfig } from "./read.ts";

/** Hosts name themselves so in messages: letters of ASCII, no blanks. */
const UNFIT = /[^\x21-\x7e]/g;

/** The sinks of the configuration in force, which may change: alerts that come meanwhile wait. */
export class Sinks {
  readonly #queue: string;
  #delivery: Delivery;
  /** Alerts that came while the sinks were changed; undefined when they are not. */
  #held: Alert[] | undefined;

  /**
   * Begin to bring alerts to the sinks of a configuration.
   * @throws {NemeanError} for parameters that cannot work, and a queue that cannot be opened
   */
  static async start(sinks: readonly SinkConfig[], queue: string): Promise<Sinks> {
    return new Sinks(queue, Delivery.start(queue, await named(sinks)));
  }

  private constructor(queue: string, delivery: Delivery) {
    this.#queue = queue;
    this.#delivery = delivery;
  }

  /** Bring alerts to these sinks from now on; what waits for one that stays still gets there. */
  async replace(sinks: readonly SinkConfig[]): Promise<void> {
    const next = await named(sinks);
    this.#held = [];
    await this.#delivery.close();
    this.#delivery = Delivery.start(this.#queue, next);
    const held = this.#held;
    this.#held = undefined;
    for (const alert of held) this.put(alert);
  }

  put(alert: Alert): void {
    if (this.#held) this.#held.push(alert);
    else this.#delivery.put(alert);
  }

  stats(): DeliveryStats {
    return this.#delivery.stats();
  }

  test(name: string, alert: Alert): ReturnType<Delivery["test"]> {
    return this.#delivery.test(name, alert);
  }

  deadLetters(sink: string, most?: number): readonly DeadLetter[] {
    return this.#delivery.deadLetters(sink, most);
  }

  deliveriesOf(id: string, update: number): ReturnType<Delivery["deliveriesOf"]> {
    return this.#delivery.deliveriesOf(id, update);
  }

  async close(): Promise<void> {
    await this.#delivery.close();
  }
}

/** @throws {NemeanError} for parameters that cannot work */
function named(sinks: readonly SinkConfig[]): Promise<NamedSink[]> {
  const place = { host: hostname().replaceAll(UNFIT, "-"), version: VERSION };
  return Promise.all(
    sinks.map(async ({ name, exporter, params, route }): Promise<NamedSink> => {
      const def = await exporterNamed(exporter, `sinks.${name}: `);
      return { name, route, sink: def.open(params as never, place) };
    }),
  );
}
