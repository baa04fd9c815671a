// SPDX-License-Identifier: BSD-3-Clause
/** Files of TRAP for tests: written, read back, and made byte by byte. @module */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch } from "../../batch.ts";
import type { Clock } from "../../clock.ts";
import { Poller } from "../../net/poller.ts";
import type { Receiver } from "../../port.ts";
import type { Template } from "../../unirec/template.ts";
import { batchOf } from "../../unirec/test-kit.ts";
import { openFileInput } from "../file-input.ts";
import { openFileOutput } from "../file-output.ts";
import { encodeHello } from "../hello.ts";
import type { InputStats, TrapEnvironment, TrapInput, TrapOutput } from "../interface.ts";
import { type FileOutputSpec, parseOutput } from "../specifier.ts";

/** A folder that goes when the block ends. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "trap-file-"));

  file(name: string): string {
    return join(this.path, name);
  }

  bytes(name: string): Buffer {
    return readFileSync(this.file(name));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What an interface is given, and what it said. */
export class Surroundings implements TrapEnvironment {
  readonly lines: string[] = [];
  readonly poller: Poller;
  readonly socketFolder = "/nowhere";
  readonly log = (level: string, message: string): void => {
    this.lines.push(`${level}: ${message}`);
  };

  constructor(stopped: () => boolean = () => false) {
    this.poller = new Poller(stopped);
  }
}

/** Keeps what it is given. */
export class Kept implements Receiver {
  readonly layouts: string[] = [];
  /** Messages as hexadecimal digits. */
  readonly messages: string[] = [];
  ends = 0;

  announce({ format = "unirec", spec }: Template): void {
    this.layouts.push(`${format} ${spec}`);
  }

  receive({ bytes, view, start, length, count }: Batch): void {
    const before = this.messages.length;
    for (let at = start; at < start + length; ) {
      const size = view.getUint16(at);
      this.messages.push(hex(bytes.subarray(at + 2, at + 2 + size)));
      at += 2 + size;
    }
    if (this.messages.length !== before + count) throw new Error("the batch's count is wrong");
  }

  advance(): void {
    throw new Error("no event time comes over TRAP");
  }

  end(): void {
    this.ends++;
  }
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

export interface FileRead extends Kept {
  readonly stats: InputStats;
  readonly lines: readonly string[];
  readonly failure: Error | undefined;
}

/** Read what a pattern names to the end. */
export function readFiles(
  pattern: string,
  { containerMax = 16 << 20, into = new Kept() }: { containerMax?: number; into?: Kept } = {},
): FileRead {
  const env = new Surroundings();
  using input = openFileInput({ type: "f", pattern, containerMax }, into, env);
  turn(input, env);
  return Object.assign(into, { stats: input.stats, lines: env.lines, failure: input.failure });
}

/** Turn the loop until an input has ended. */
export function turn(input: TrapInput, { poller }: TrapEnvironment): void {
  for (let turns = 0; !input.ended && !input.failure; turns++) {
    if (turns > 10_000) throw new Error("it does not end");
    poller.turn();
  }
}

/** The output of `-i`, whose clock stands at `clock`. */
export const openFile = (
  specifier: string,
  { env = new Surroundings(), clock }: { env?: TrapEnvironment; clock?: Clock } = {},
): Required<TrapOutput> =>
  openFileOutput(parseOutput(specifier) as FileOutputSpec, env, clock) as Required<TrapOutput>;

export const textBatch = (...texts: readonly string[]): Batch =>
  batchOf(...texts.map((text) => Buffer.from(text)));

export const NOTHING = batchOf();

/** The bytes of a file: a hello, and containers given as their messages. */
export const fileOf = (layout: Template, ...containers: readonly Batch[]): Buffer =>
  Buffer.concat([encodeHello(layout), ...containers.map(container)]);

/** A container's header and messages. */
export function container({ bytes, start, length }: Batch): Buffer {
  const header = Buffer.alloc(4);
  header.writeUint32BE(length);
  return Buffer.concat([header, bytes.subarray(start, start + length)]);
}
