// SPDX-License-Identifier: BSD-3-Clause
/** Sinks, a file that fails, and what waits for them: for the tests of delivery. */
import type { Alert } from "../../../core/alert.ts";
import type { SendResult, Sink } from "../../../core/exporter.ts";
import { alertOf } from "../../store/testing/alerts.ts";
import { QueueFile } from "../queue-file.ts";

/** The nth alert of a test, told by its severity's neighbour: `observed`. */
export const numbered = (n: number, change: Partial<Alert> = {}): Alert =>
  alertOf({ observed: n, ...change });

export const numbersOf = (alerts: readonly Alert[]): number[] =>
  alerts.map(({ observed }) => observed!);

type Answer = SendResult | ((alerts: readonly Alert[]) => SendResult | Promise<SendResult>);

/** Takes everything, except where it was told what to answer next. */
export class FakeSink implements Sink {
  readonly batches: number[][] = [];
  /** Numbers of the alerts it took, in order. */
  readonly taken: number[] = [];
  /** Answers to the next batches. */
  readonly answers: Answer[] = [];
  isClosed = false;
  isBusy = false;

  async send(alerts: readonly Alert[]): Promise<SendResult> {
    if (this.isBusy) throw new Error("two sends at a time");
    this.isBusy = true;
    this.batches.push(numbersOf(alerts));
    const answer = this.answers.shift() ?? { accepted: alerts.length };
    await Promise.resolve();
    try {
      const result = typeof answer === "function" ? await answer(alerts) : answer;
      this.taken.push(...numbersOf(alerts.slice(0, result.accepted)));
      return result;
    } finally {
      this.isBusy = false;
    }
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** A file that has no room for more than it has, while it is told so. */
export class SmallFile extends QueueFile {
  set isFull(isFull: boolean) {
    const { page_count: pages } = this.raw
      .query<{ page_count: number }, []>("PRAGMA page_count")
      .get()!;
    this.raw.run(`PRAGMA max_page_count = ${isFull ? pages : 1_000_000}`);
  }

  run(sql: string): void {
    this.raw.run(sql);
  }
}

/** Let everything run that waits for nothing but its turn. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}
