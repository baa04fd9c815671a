// SPDX-License-Identifier: BSD-3-Clause
import { RECORD_MAX, recordTooLong } from "../../core/batch.ts";
import { EXIT, NemeanError } from "../../core/errors.ts";
import { FlowIntake, type IntakeOptions } from "../../core/flow/intake.ts";
import { OutputPort } from "../../core/port.ts";
import type { InputPort } from "../../core/runner.ts";
import { LineSplitter } from "../../core/unirec/line-splitter.ts";
import { TextReader } from "../../core/unirec/text-reader.ts";
import { TextSource } from "../../core/unirec/text-source.ts";
import type { RecordWriter } from "../../core/unirec/writer.ts";

/** Bytes read at once: the text of about a batch of flows. */
const CHUNK = 1 << 17;
/** Bad lines that are named one by one; the others are counted. */
const NAMED_MAX = 20;
/** Characters of a message that may quote the input. */
const MESSAGE_MAX = 200;
const RETURN = 13;
const FOREVER = -1;

export interface TextFeedOptions extends IntakeOptions {
  /** Takes what the operator is to know of bad lines. */
  readonly warn: (message: string) => void;
  /** Called before it waits for more text: what has been found so far may go out. */
  readonly idle?: () => void;
}

/**
 * Feeds UniRec text, of a file or of standard input, to an input of a module, behind the intake that streams from
 * elsewhere pass too.
 */
export class TextFeed {
  readonly #input: InputPort;
  readonly #options: TextFeedOptions;
  readonly #source: TextSource;
  readonly #splitter = new LineSplitter((bytes, from, to) => this.#line(bytes, from, to));
  #reader: TextReader | undefined;
  #record: RecordWriter | undefined;
  #port: OutputPort | undefined;
  #number = 0;
  /** Lines that are no records. The first of them are named. */
  skipped = 0;

  /**
   * @param path of a file; `-` is standard input
   * @throws {NemeanError} ERR_INPUT when it cannot be opened
   */
  constructor(path: string, input: InputPort, options: TextFeedOptions) {
    this.#source = new TextSource(path);
    this.#input = input;
    this.#options = options;
  }

  /**
   * Feed all of it, or as much as the module asks for, then the end.
   * @throws {NemeanError} ERR_INPUT when it cannot be read, or its header is none or lacks a field that the module
   *   needs; what the module's outputs throw
   */
  run(): void {
    const chunk = new Uint8Array(new ArrayBuffer(CHUNK));
    const { runner } = this.#input;
    try {
      while (!runner.stopping) {
        const length = this.#read(chunk);
        if (length > 0) this.#splitter.push(chunk.subarray(0, length));
        if (length === 0) break;
      }
      this.#splitter.end();
    } finally {
      this.#source.close();
    }
    if (!this.#port) throw this.#wrong('empty: expected a header "type NAME,..."');
    this.#port.end();
  }

  /** Bytes read, 0 at the end, less when a signal came first. What has been read so far does not wait for more. */
  #read(chunk: Uint8Array): number {
    const length = this.#source.read(chunk);
    if (length >= 0) return length;
    this.#port?.flush();
    this.#options.idle?.();
    return this.#source.read(chunk, FOREVER);
  }

  #line(bytes: Uint8Array, from: number, to: number): void {
    this.#number++;
    if (from === to || (from + 1 === to && bytes[from] === RETURN)) return;
    if (this.#reader) this.#row(bytes, from, to);
    else this.#open(new TextDecoder().decode(bytes.subarray(from, to)));
  }

  #open(header: string): void {
    try {
      const reader = new TextReader(header);
      const port = new OutputPort(this.#input.name, reader.template);
      port.link(new FlowIntake(this.#input, this.#options));
      this.#port = port;
      this.#record = reader.writer();
      this.#reader = reader;
    } catch (error) {
      if (!(error instanceof NemeanError)) throw error;
      throw this.#wrong(`header: ${error.message.slice(0, MESSAGE_MAX * 5)}`);
    }
  }

  #row(bytes: Uint8Array, from: number, to: number): void {
    const record = this.#record!;
    try {
      this.#reader!.readBytes(bytes, from, to, record);
      if (record.size > RECORD_MAX) throw recordTooLong(record.size);
    } catch (error) {
      this.#skip(error);
      return;
    }
    record.end(this.#port!.room(record.size));
  }

  #skip(error: unknown): void {
    if (!(error instanceof NemeanError)) throw error;
    if (this.skipped++ >= NAMED_MAX) return;
    const what = error.message.slice(0, MESSAGE_MAX);
    this.#options.warn(`${this.#source.name}: line ${this.#number}: ${what}; skipped`);
  }

  #wrong(what: string): NemeanError {
    return new NemeanError("ERR_INPUT", EXIT.data, `${this.#source.name}: ${what}`);
  }
}
