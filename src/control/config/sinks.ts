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

/** Alerts that wait while the sinks are changed: the others are dropped. */
const HELD_MAX = 10_000;

/** The file of alerts that wait. */
export interface Queue {
  readonly path: string;
  /** Bytes of them at most. */
  readonly maxBytes?: number;
}

/** The sinks of the configuration in force, which may change: alerts that come meanwhile wait. */
export class Sinks {
  readonly #queue: Queue;
  #delivery: Delivery;
  #sinks: readonly SinkConfig[];
  /** Alerts that came while the sinks are changed; undefined when they are not. */
  #held: Alert[] | undefined;
  /** Alerts that were lost since changing the sinks took too long. */
  dropped = 0;

  /**
   * Begin to bring alerts to the sinks of a configuration.
   * @throws {NemeanError} for parameters that cannot work, and a queue that cannot be opened
   */
  static async start(sinks: readonly SinkConfig[], queue: Queue): Promise<Sinks> {
    return new Sinks(queue, startIn(queue, await named(sinks)), sinks);
  }

  private constructor(queue: Queue, delivery: Delivery, sinks: readonly SinkConfig[]) {
    this.#queue = queue;
    this.#delivery = delivery;
    this.#sinks = sinks;
  }

  /**
   * Bring alerts to these sinks from now on; what waits for one that stays still gets there.
   * @throws {NemeanError} as {@link start}; those from before go on then
   */
  async replace(sinks: readonly SinkConfig[]): Promise<void> {
    this.#held = [];
    try {
      const next = await named(sinks);
      await this.#delivery.close();
      await this.#open(sinks, next);
    } finally {
      const held = this.#held;
      this.#held = undefined;
      for (const alert of held) this.put(alert);
    }
  }

  async #open(sinks: readonly SinkConfig[], next: readonly NamedSink[]): Promise<void> {
    try {
      this.#delivery = startIn(this.#queue, next);
      this.#sinks = sinks;
    } catch (error) {
      this.#delivery = startIn(this.#queue, await named(this.#sinks));
      throw error;
    }
  }

  put(alert: Alert): void {
    if (!this.#held) this.#delivery.put(alert);
    else if (this.#held.length < HELD_MAX) this.#held.push(alert);
    else this.dropped++;
  }

  /** Resolves once all alerts so far are on the disk, or after so many milliseconds. */
  async committed(most: number): Promise<void> {
    await Promise.race([this.#delivery.committed(), Bun.sleep(most)]);
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

const startIn = ({ path, ...options }: Queue, sinks: readonly NamedSink[]): Delivery =>
  Delivery.start(path, sinks, options);

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
