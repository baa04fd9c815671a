// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import type { Receiver } from "../port.ts";
import { Address, ipText } from "../unirec/ip.ts";
import { reader } from "../unirec/reader.ts";
import { biflow, type Template } from "../unirec/template.ts";
import { SECOND } from "../unirec/time.ts";
import { HeavyHitters, heaviest } from "./heavy-hitters.ts";

/** What of a flow is looked at. Uniflows have no reverse fields. */
const FIELDS = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL,
  uint32 PACKETS, ?uint32 PACKETS_REV, uint64 BYTES, ?uint64 BYTES_REV
`);

const MINUTE = 60 * SECOND;
const MINUTES = 5;
/** Keys of a minute: each count is exact to a 1,024th of the minute's bytes. */
const ROWS = 2048;

interface Sums {
  /** Both directions together. At most a 1,024th of all bytes above the truth, never below it. */
  readonly bytes: number;
  /** Never above the truth. */
  readonly packets: number;
  readonly flows: number;
}

/** An address, as the source or the destination of flows. */
export interface TopTalker extends Sums {
  readonly ip: string;
}

/** A service: the protocol, and the port that its initiators speak to. */
export interface TopPort extends Sums {
  readonly protocol: number;
  readonly port: number;
}

/** Who and what made the most bytes, heaviest first. Plain data. */
export interface TopView {
  /** Event time that is looked at, in seconds; 0 before anything was seen. */
  readonly seconds: number;
  readonly talkers: readonly TopTalker[];
  readonly ports: readonly TopPort[];
}

/**
 * The heaviest talkers and services of the last four to five minutes.
 *
 * A minute is one of event time, that of the watermarks: a flow counts whole in the minute in which it is received, which no
 * record with a wrong clock can move. Takes biflows, or uniflows, whose answers then count for the port that they
 * go to.
 */
export class FlowTop implements Receiver {
  readonly #flow = reader(FIELDS);
  readonly #talkers = minutes();
  readonly #ports = minutes();
  /** Where the current minute is among them. */
  #place = 0;
  /** The key that is looked up; one object, so that the tables meet one class. */
  readonly #key = new Address();
  /** Event time: as it was first told, and now. */
  #begin = Number.NEGATIVE_INFINITY;
  #now = Number.NEGATIVE_INFINITY;

  /** Records shorter than their template, which were passed over. */
  get malformed(): number {
    return this.#flow.malformed;
  }

  /** @throws {NemeanError} ERR_TEMPLATE when these are no flows */
  announce(layout: Template): void {
    this.#flow.negotiate(layout);
  }

  receive(batch: Batch): void {
    const flow = this.#flow;
    const key = this.#key;
    const talkers = this.#talkers[this.#place]!;
    const ports = this.#ports[this.#place]!;
    flow.reset(batch);
    while (flow.next()) {
      const bytes = flow.BYTES + flow.BYTES_REV;
      const packets = flow.PACKETS + flow.PACKETS_REV;
      const { SRC_IP: source, DST_IP: target } = flow;
      talkers.add(key.set(source), bytes, packets);
      if (!source.equals(target)) talkers.add(key.set(target), bytes, packets);
      key.w0 = (flow.PROTOCOL << 16) | flow.DST_PORT;
      key.w1 = 0;
      key.w2 = 0;
      key.w3 = 0;
      ports.add(key, bytes, packets);
    }
  }

  advance(watermark: number): void {
    if (watermark <= this.#now) return;
    if (this.#begin === Number.NEGATIVE_INFINITY) this.#begin = watermark;
    else {
      const passed = Math.floor(watermark / MINUTE) - Math.floor(this.#now / MINUTE);
      for (let i = Math.min(passed, MINUTES); i > 0; i--) this.#nextMinute();
    }
    this.#now = watermark;
  }

  end(): void {}

  /** The `count` heaviest of each. */
  view(count: number): TopView {
    const talkers = heaviest(this.#talkers, count);
    const ports = heaviest(this.#ports, count);
    return {
      seconds: this.#seconds,
      talkers: talkers.map(({ key, ...sums }) => ({ ip: ipText(key), ...sums })),
      ports: ports.map(({ key, ...sums }) => {
        return { protocol: key.w0 >>> 16, port: key.w0 & 0xffff, ...sums };
      }),
    };
  }

  get #seconds(): number {
    if (this.#begin === Number.NEGATIVE_INFINITY) return 0;
    const oldest = (Math.floor(this.#now / MINUTE) - MINUTES + 1) * MINUTE;
    return Math.round((this.#now - Math.max(this.#begin, oldest)) / SECOND);
  }

  #nextMinute(): void {
    this.#place = (this.#place + 1) % MINUTES;
    this.#talkers[this.#place]!.clear();
    this.#ports[this.#place]!.clear();
  }
}

const minutes = (): readonly HeavyHitters[] =>
  Array.from({ length: MINUTES }, () => new HeavyHitters(ROWS));
