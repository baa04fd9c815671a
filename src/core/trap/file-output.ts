// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, ftruncateSync } from "node:fs";
import { Batch } from "../batch.ts";
import { type Clock, wallClock } from "../clock.ts";
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import type { OutputPort } from "../port.ts";
import { sameLayout, type Template } from "../unirec/template.ts";
import { FILE_HEADER } from "./container.ts";
import { FileSeries, type OpenFile } from "./file-series.ts";
import { type Written, writeParts } from "./file-write.ts";
import { encodeHello } from "./hello.ts";
import type { OutputStats, TrapEnvironment, TrapOutput } from "./interface.ts";
import type { FileOutputSpec } from "./specifier.ts";

/** Most bytes of a container in a file: what the original has room for (trap.md section 9). */
const CONTAINER_MAX = 100_000;
/** The message that ends the stream, with its length (trap.md section 4.1). */
const END = new Uint8Array(new ArrayBuffer(3));
END[1] = 1;
/** Takes whatever is written to it, so also another layout in the middle. */
const NULL_DEVICE = "/dev/null";

/**
 * Write a port's records to files (trap.md section 7); see {@link FileSeries} for their names. The first one is
 * made at once.
 * @param clock tells which interval of `time=N` it is
 * @throws {NemeanError} ERR_TRAP when it cannot be written; later ERR_OUTPUT, out of `receive`, when a pipe or
 *   device took half a container, or would have to take another layout
 */
export const openFileOutput = (
  spec: FileOutputSpec,
  env: TrapEnvironment,
  clock: Clock = wallClock,
): TrapOutput => new FileOutput(spec, env, clock);

/**
 * ```text
 *   | hello | length (4) | messages | length (4) | messages | …
 * ```
 */
class FileOutput implements TrapOutput {
  endsStream = true;
  patientUntil = 0;
  readonly drained = true;
  readonly #spec: FileOutputSpec;
  readonly #env: TrapEnvironment;
  readonly #series: FileSeries;
  /** None after a change of layout until there is something to write, or when it could not be opened. */
  #file: OpenFile | undefined;
  #path: string;
  /** Bytes of the file, whole containers all. */
  #size = 0;
  #layout: Template | undefined;
  /** The next file must not be one that is there. */
  #unused = false;
  /** Hello and a container's length: what goes in front of the first container of a file. */
  #head = new Uint8Array(0);
  /** Its last four bytes: what goes in front of the others. */
  #header = new Uint8Array(0);
  #headerView = new DataView(new ArrayBuffer(FILE_HEADER));
  #messages = 0;
  #buffers = 0;
  #dropped = 0;
  /** Dropped since writing began to fail; negative while it works. */
  #failing = -1;
  #closed = false;

  constructor(spec: FileOutputSpec, env: TrapEnvironment, clock: Clock) {
    this.#spec = spec;
    this.#env = env;
    this.#series = new FileSeries(spec, clock, () => env.poller.stopped);
    this.#file = this.#series.open(false);
    this.#path = this.#file.path;
  }

  get stats(): OutputStats {
    return {
      type: "f",
      id: this.#path,
      messages: this.#messages,
      buffers: this.#buffers,
      autoflushes: 0,
      dropped: this.#dropped,
      unheard: 0,
      clients: [],
      clientCount: 1,
    };
  }

  attach(port: OutputPort): void {
    if (!this.#spec.buffer) port.eager = true;
    port.link(this);
  }

  announce(layout: Template): void {
    if (sameLayout(this.#layout, layout)) return;
    const file = this.#file;
    if (file && this.#size > 0) {
      if (!file.regular && file.path !== NULL_DEVICE)
        throw this.#broken(`the records' layout changes, and ${file.path} cannot hold two`);
      this.#closeFile();
      this.#unused = true;
    }
    this.#layout = layout;
    const hello = encodeHello(layout);
    this.#head = new Uint8Array(new ArrayBuffer(hello.length + FILE_HEADER));
    this.#head.set(hello);
    this.#header = this.#head.subarray(hello.length);
    this.#headerView = new DataView(this.#head.buffer, hello.length);
  }

  receive(batch: Batch): void {
    this.#take(batch, false);
  }

  advance(): void {
    // Event time does not travel over TRAP.
  }

  end(): void {
    this.finish(new Batch(new ArrayBuffer(0)));
  }

  finish(batch: Batch): void {
    if (this.#closed) return;
    this.#take(batch, this.endsStream);
    // A reader sees the layout even of a file without records.
    if (this.#layout && !this.#file) this.#ready();
    this.close();
  }

  /** Write a batch as one container, or as several where it is too large or each message has its own. */
  #take(batch: Batch, last: boolean): void {
    const count = batch.count + (last ? 1 : 0);
    const length = batch.length + (last ? END.length : 0);
    if (!this.#layout) {
      if (batch.count > 0) throw new Error("records came before their layout was announced");
      return;
    }
    if (this.#spec.buffer ? length <= CONTAINER_MAX : count <= 1) {
      const messages = batch.bytes.subarray(batch.start, batch.start + batch.length);
      if (count > 0) this.#put(messages, batch.count, last);
      return;
    }
    this.#cut(batch);
    if (last) this.#put(new Uint8Array(0), 0, true);
  }

  #cut({ bytes, view, start, length }: Batch): void {
    const end = start + length;
    let from = start;
    let count = 0;
    for (let at = start; at < end; ) {
      const next = at + 2 + view.getUint16(at);
      if (count > 0 && (!this.#spec.buffer || next - from > CONTAINER_MAX)) {
        this.#put(bytes.subarray(from, at), count, false);
        from = at;
        count = 0;
      }
      count++;
      at = next;
    }
    this.#put(bytes.subarray(from, end), count, false);
  }

  /** Write one container. The batch may be another's, so its headroom is left alone. */
  #put(messages: Uint8Array, records: number, last: boolean): void {
    const count = last ? records + 1 : records;
    this.#messages += count;
    if (this.#closed || !this.#ready()) {
      this.#dropped += count;
      if (this.#failing >= 0) this.#failing += count;
      return;
    }
    this.#headerView.setUint32(0, messages.length + (last ? END.length : 0));
    const head = this.#size === 0 ? this.#head : this.#header;
    if (this.#write(last ? [head, messages, END] : [head, messages], count)) this.#buffers++;
  }

  /** Have a file open that the next container belongs into. */
  #ready(): boolean {
    if (this.#file && !this.#series.due(this.#file, this.#size)) return true;
    if (this.#file) this.#closeFile();
    try {
      this.#file = this.#series.open(this.#unused);
    } catch (error) {
      this.#failed(messageOf(error));
      return false;
    }
    this.#path = this.#file.path;
    this.#unused = false;
    this.#size = 0;
    return true;
  }

  /** Write all of it or nothing. */
  #write(parts: readonly Uint8Array[], count: number): boolean {
    const file = this.#file!;
    const stopped = (): boolean => this.#env.poller.stopped;
    const { bytes, failure } = writeParts(file, parts, { at: this.#size, stopped });
    if (!failure) {
      this.#size += bytes;
      this.#works();
      return true;
    }
    this.#dropped += count;
    if (bytes > 0 || failure.code === "EPIPE") this.#undo(file, failure);
    this.#failed(`cannot write ${file.path}: ${failure.text}`);
    this.#failing += count;
    return false;
  }

  /** Take back the half of a container, which would make the rest unreadable. */
  #undo(file: OpenFile, failure: NonNullable<Written["failure"]>): void {
    if (!file.regular) {
      if (failure.code === "EPIPE")
        throw this.#broken(`${file.path}: its reader has gone`, EXIT.ok);
      throw this.#broken(`${file.path} took half a container: ${failure.text}`);
    }
    try {
      ftruncateSync(file.fd, this.#size);
    } catch (error) {
      throw this.#broken(`${file.path} ends in half a container: ${messageOf(error)}`);
    }
  }

  #failed(why: string): void {
    if (this.#failing >= 0) return;
    this.#failing = 0;
    this.#env.log("error", `${this.#spec.text}: ${why}; messages are dropped until it works`);
  }

  #works(): void {
    if (this.#failing < 0) return;
    this.#env.log(
      "notice",
      `${this.#spec.text}: ${this.#path} is written again; ${this.#failing} messages were dropped`,
    );
    this.#failing = -1;
  }

  /** Nothing more can be written; the process has to end. */
  #broken(why: string, exitCode: number = EXIT.io): NemeanError {
    const file = this.#file;
    this.#file = undefined;
    this.#closed = true;
    if (file && !file.borrowed) closeSync(file.fd);
    return new NemeanError(
      "ERR_OUTPUT",
      exitCode,
      `interface "${this.#spec.text}": ${why}; write to a regular file to be able to go on`,
    );
  }

  #closeFile(): void {
    if (this.#file && this.#size === 0 && this.#layout)
      this.#write([this.#head.subarray(0, this.#head.length - FILE_HEADER)], 0);
    const file = this.#file;
    this.#file = undefined;
    this.#size = 0;
    if (file && !file.borrowed) closeSync(file.fd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closeFile();
    this.#closed = true;
    if (this.#failing > 0)
      this.#env.log("error", `${this.#spec.text}: the last ${this.#failing} messages were dropped`);
  }
}
