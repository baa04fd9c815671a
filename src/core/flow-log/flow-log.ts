// SPDX-License-Identifier: BSD-3-Clause
import { NemeanError } from "../errors.ts";
import type { FLOWS } from "../flow/flows.ts";
import { inputFiles, linkBits } from "../input-files.ts";
import type { Context, ParamOf } from "../module.ts";
import { ReplayPace } from "../replay-pace.ts";
import { LineSplitter } from "../unirec/line-splitter.ts";
import { TextSource } from "../unirec/text-source.ts";
import { compose, type LoggedFlow } from "./flow.ts";
import type { FLOW_LOG_PARAMS } from "./params.ts";

/** Bytes read at once. */
const CHUNK = 1 << 17;
/** Flows of a step: about a batch. */
const STEP = 1000;
/** Milliseconds until standard input is looked at again. */
const IDLE_MS = 10;
/** Bad lines that are named one by one; the others are counted. */
const NAMED_MAX = 20;
const NEWLINE = 10;

/** What a line is: a flow, why it is none, or nothing that concerns us. */
export type LineReader = (line: string) => LoggedFlow | string | undefined;

type Setup = Context<
  typeof FLOW_LOG_PARAMS & Record<string, ParamOf<unknown>>,
  { flows: typeof FLOWS }
>;

/** Logs of flows on their way out, file by file, line by line. */
export class FlowLog {
  readonly #context: Setup;
  readonly #name: string;
  readonly #begin: () => LineReader;
  readonly #paths: readonly string[];
  readonly #pace: ReplayPace;
  readonly #link: bigint;
  readonly #chunk = new Uint8Array(new ArrayBuffer(CHUNK));
  readonly #decoder = new TextDecoder();
  readonly #splitter = new LineSplitter((bytes, from, to) => this.#line(bytes, from, to));
  #read: LineReader;
  #source: TextSource;
  #next = 1;
  /** What has been read and not yet been cut into lines. */
  #at = 0;
  #end = 0;
  #number = 0;
  /** The time of the flow that is composed and waits; NaN for none. */
  #waiting = Number.NaN;
  #sent = 0;
  #skipped = 0;

  /**
   * Opens the first file, so that a wrong name is known before anybody waits for flows.
   * @param name of the module
   * @param begin makes the reader of a file's lines
   * @throws {NemeanError} ERR_USAGE, ERR_INPUT
   */
  constructor(context: Setup, name: string, begin: () => LineReader) {
    const { params, clock } = context;
    this.#context = context;
    this.#name = name;
    this.#begin = begin;
    this.#paths = inputFiles(name, params.files);
    this.#link = linkBits(name, params.link);
    this.#pace = new ReplayPace(clock, { isRealTime: params.realTime, rate: params.rate });
    this.#read = begin();
    this.#source = this.#named(() => new TextSource(this.#paths[0]!));
  }

  produce(): number | undefined {
    const until = this.#sent + STEP;
    for (;;) {
      const wait = this.#settle();
      if (wait > 0) return wait;
      if (this.#sent >= this.#context.params.recordsMax) return undefined;
      if (this.#sent >= until) return 0;
      // A log may have few flows: after each chunk others have their turn.
      if (this.#at >= this.#end) return this.#fill();
      this.#push();
    }
  }

  end(): void {
    this.#source.close();
    if (this.#skipped > NAMED_MAX)
      this.#context.warn(`${this.#source.name}: ${this.#skipped} lines skipped`);
  }

  /** Send the flow that waits when its time has come; returns the milliseconds until then. */
  #settle(): number {
    if (Number.isNaN(this.#waiting)) return 0;
    const wait = this.#pace.wait(this.#waiting);
    if (wait > 0) return wait;
    this.#waiting = Number.NaN;
    this.#context.out.flows.push();
    this.#sent++;
    return 0;
  }

  /** Read on, in the next file where one ends: 0 when there is more, milliseconds when not yet, undefined when no more. */
  #fill(): number | undefined {
    const length = this.#named(() => this.#source.read(this.#chunk));
    if (length < 0) return IDLE_MS;
    this.#at = 0;
    this.#end = length;
    if (length > 0) return 0;
    this.#splitter.end();
    if (!Number.isNaN(this.#waiting)) return 0;
    const path = this.#paths[this.#next++];
    if (path === undefined) return undefined;
    this.#source.close();
    this.#source = this.#named(() => new TextSource(path));
    this.#read = this.#begin();
    this.#number = 0;
    return 0;
  }

  /** Hand on one line: its flow has to go before the next one is composed. */
  #push(): void {
    const newline = this.#chunk.indexOf(NEWLINE, this.#at);
    const to = newline < 0 || newline >= this.#end ? this.#end : newline + 1;
    const piece = this.#chunk.subarray(this.#at, to);
    this.#at = to;
    this.#splitter.push(piece);
  }

  #line(bytes: Uint8Array, from: number, to: number): void {
    this.#number++;
    const line = this.#decoder.decode(bytes.subarray(from, to)).trim();
    if (line === "") return;
    if (!Number.isNaN(this.#waiting)) {
      this.#skip("the rest of a line that is too long");
      return;
    }
    const flow = this.#read(line);
    if (flow === undefined) return;
    if (typeof flow === "string") {
      this.#skip(flow);
      return;
    }
    const { record } = this.#context.out.flows;
    const wrong = compose(record, flow, this.#link);
    if (wrong === undefined) this.#waiting = Math.max(flow.first!, flow.last!);
    else this.#skip(wrong);
  }

  #skip(why: string): void {
    const { count, warn } = this.#context;
    count("lines_skipped");
    if (this.#skipped++ >= NAMED_MAX) return;
    warn(`${this.#source.name}: line ${this.#number}: ${why}; skipped`);
  }

  /** Have an operator's error name the module. */
  #named<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof NemeanError)) throw error;
      throw new NemeanError(error.code, error.exitCode, `${this.#name}: ${error.message}`, error);
    }
  }
}

/** The object of a line of JSON; undefined when it is none. */
export function jsonObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
