// SPDX-License-Identifier: BSD-3-Clause
import { OutputPort } from "../../core/port.ts";
import type { ModuleRunner } from "../../core/runner.ts";
import { fieldOf } from "../../core/unirec/template.ts";
import { TextReader } from "../../core/unirec/text-reader.ts";
import { readTime, SECOND } from "../../core/unirec/time.ts";
import type { RecordWriter } from "../../core/unirec/writer.ts";

/** Microseconds by which event time stays behind the latest TIME_LAST. */
const LATENESS = 30 * SECOND;

/** Feeds lines of UniRec text to an input of a module; event time follows their TIME_LAST. */
export class TextFeed {
  readonly #text: TextReader;
  readonly #port: OutputPort;
  readonly #record: RecordWriter;
  /** Where TIME_LAST stands in a record. */
  readonly #timeAt: number | undefined;
  #latest = Number.NEGATIVE_INFINITY;
  #second = Number.NEGATIVE_INFINITY;

  /** @throws {NemeanError} ERR_TEMPLATE when the line is no header, or lacks a field that the module needs */
  constructor(header: string, runner: ModuleRunner, input: string) {
    this.#text = new TextReader(header);
    const { template } = this.#text;
    this.#port = new OutputPort(input, template);
    this.#port.link(runner.inputs[input]!);
    this.#record = this.#text.writer();
    const time = fieldOf(template, "TIME_LAST");
    this.#timeAt = time?.type === "time" ? time.offset : undefined;
  }

  /** @throws {NemeanError} when the line is no record; nothing of it is sent then */
  line(text: string): void {
    const record = this.#record;
    this.#text.read(text, record);
    record.end(this.#port.room(record.size));
    if (this.#timeAt === undefined) return;
    this.#latest = Math.max(this.#latest, readTime(record.view, this.#timeAt));
    const second = Math.floor(this.#latest / SECOND);
    if (second <= this.#second) return;
    this.#second = second;
    this.#port.advance(this.#latest - LATENESS);
  }

  end(): void {
    this.#port.end();
  }
}
