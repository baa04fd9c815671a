// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, constants, openSync, readSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import { POLLIN, type Task } from "../net/poller.ts";
import type { Receiver } from "../port.ts";
import { sameLayout, type Template } from "../unirec/template.ts";
import { ContainerReader, FILE_HEADER } from "./container.ts";
import { filePaths, STANDARD_INPUT } from "./file-pattern.ts";
import { decodeHello, HELLO_HEAD, SPECIFIER_MAX } from "./hello.ts";
import type { InputStats, TrapEnvironment, TrapInput } from "./interface.ts";

export interface FileInputSpec {
  readonly type: "f";
  /** As a shell would read it: `~/traps/*.trap $MORE`. */
  readonly pattern: string;
  /** Longest container that is taken, in bytes. */
  readonly containerMax: number;
}

/** Holds two containers and a half of what senders usually fill, and stays in the processor's cache. */
const BUFFER = 256 << 10;

/**
 * Read the files that a pattern names, one after another (trap.md section 7). Each has its own layout, which is
 * announced when it is not that of the file before. The stream ends with the last file.
 * @throws {NemeanError} ERR_TRAP when there is no such file, or it must not be read
 */
export const openFileInput = (
  spec: FileInputSpec,
  receiver: Receiver,
  env: TrapEnvironment,
): TrapInput => new FileInput(spec, receiver, env);

/** One turn of the loop opens a file, or reads one chunk of it. */
class FileInput implements TrapInput, Task {
  fd = -1;
  events = 0;
  due = 0;
  readonly stage = "intake";
  ended = false;
  failure: Error | undefined;
  readonly #spec: FileInputSpec;
  readonly #receiver: Receiver;
  readonly #env: TrapEnvironment;
  readonly #paths: readonly string[];
  readonly #containers: ContainerReader;
  #next = 0;
  #path: string;
  #layout: Template | undefined;
  /** The hello of this file was read. */
  #greeted = false;
  /** This file's broken messages were told of. */
  #told = false;
  #bytes = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));
  #from = 0;
  #to = 0;
  /** Where in the file the buffer begins. */
  #base = 0;
  #malformed = 0;

  constructor(spec: FileInputSpec, receiver: Receiver, env: TrapEnvironment) {
    this.#spec = spec;
    this.#receiver = receiver;
    this.#env = env;
    this.#paths = filePaths(spec.pattern);
    this.#path = spec.pattern;
    this.#containers = new ContainerReader(receiver);
    this.#reserve(Math.max(BUFFER, HELLO_HEAD + SPECIFIER_MAX));
    env.poller.add(this);
  }

  get stats(): InputStats {
    return {
      type: "f",
      id: this.#path,
      connected: this.fd >= 0,
      messages: this.#containers.messages,
      buffers: this.#containers.buffers,
      missed: 0,
      malformed: this.#malformed + this.#containers.malformed,
      reconnects: 0,
    };
  }

  run(): void {
    if (this.fd < 0) this.#open();
    else this.#read();
  }

  #open(): void {
    const path = this.#paths[this.#next++];
    if (path === undefined) {
      this.#leave();
      this.ended = true;
      this.#receiver.end();
      return;
    }
    this.#path = path;
    try {
      // A FIFO whose writer has not come yet is waited for in the loop, not here.
      this.fd =
        path === STANDARD_INPUT ? 0 : openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      this.#broke(`cannot be opened: ${messageOf(error)}`);
      return;
    }
    this.events = POLLIN;
    this.due = Number.POSITIVE_INFINITY;
    this.#greeted = false;
    this.#told = false;
    this.#containers.ended = false;
    this.#from = 0;
    this.#to = 0;
    this.#base = 0;
  }

  #read(): void {
    let read: number;
    try {
      read = readSync(this.fd, this.#bytes, this.#to, this.#bytes.length - this.#to, null);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && code !== "EINTR") this.#broke(`cannot be read: ${messageOf(error)}`);
      return;
    }
    if (read === 0) {
      this.#finish();
      return;
    }
    this.#to += read;
    const needs = this.#take();
    if (this.fd >= 0) this.#makeRoom(needs);
  }

  /** Take what is whole out of the buffer. Returns the bytes that what follows needs. */
  #take(): number {
    if (!this.#greeted) {
      const needs = this.#greet();
      if (!this.#greeted) return needs;
    }
    for (;;) {
      const there = this.#to - this.#from;
      if (there < FILE_HEADER) return FILE_HEADER;
      const length = this.#view.getUint32(this.#from);
      if (length > this.#spec.containerMax) {
        this.#broke(`a container of ${length} bytes, container_max is ${this.#spec.containerMax}`);
        return 0;
      }
      if (there < FILE_HEADER + length) return FILE_HEADER + length;
      if (length > 0) this.#container(length);
      this.#from += FILE_HEADER + length;
      if (this.#containers.ended) {
        this.#close();
        return 0;
      }
    }
  }

  /** Deliver the messages behind a container's header, as far as they are there. */
  #container(length: number): void {
    const before = this.#containers.malformed;
    this.#containers.take(this.#from + FILE_HEADER, length);
    if (this.#containers.malformed > before)
      this.#tell("a message reaches beyond its container; what follows in that is left out");
  }

  /** Read the hello. Returns the bytes that it needs. */
  #greet(): number {
    const hello = decodeHello(this.#bytes, this.#from, this.#to);
    if ("needs" in hello) return hello.needs;
    if ("error" in hello) {
      this.#broke(`no TRAP file: ${hello.error}`);
      return 0;
    }
    if (!hello.layout) {
      this.#broke("no TRAP file: it does not say its format");
      return 0;
    }
    if (!this.#announce(hello.layout)) return 0;
    this.#greeted = true;
    this.#from += hello.size;
    return 0;
  }

  #announce(layout: Template): boolean {
    if (sameLayout(this.#layout, layout)) return true;
    try {
      this.#receiver.announce?.(layout);
    } catch (error) {
      const text = `${this.#path}: ${messageOf(error)}`;
      this.failure = new NemeanError("ERR_TEMPLATE", EXIT.data, text, error);
      this.#close();
      this.#leave();
      return false;
    }
    this.#layout = layout;
    return true;
  }

  /** The file has no more bytes. */
  #finish(): void {
    const left = this.#to - this.#from;
    if (left > 0) {
      this.#truncated(left);
    } else if (!this.#greeted) {
      this.#env.log("notice", `${this.#path}: empty, left out`);
    }
    this.#close();
  }

  /** Deliver the messages that are whole of the container that is not. */
  #truncated(left: number): void {
    const end = this.#base + this.#to;
    this.#tell(
      `ends at byte ${end} in the middle of ${this.#greeted ? "a container" : "its hello"}; what is whole was taken`,
    );
    const before = this.#containers.malformed;
    if (this.#greeted && left > FILE_HEADER) this.#container(left - FILE_HEADER);
    if (this.#containers.malformed === before) this.#malformed++;
  }

  /** Nothing that follows in this file can be made sense of. */
  #broke(why: string): void {
    this.#malformed++;
    this.#tell(`${why}; the rest of the file is left out`);
    this.#close();
  }

  /** Say what is wrong with this file, once, and where in it. */
  #tell(what: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#env.log("warning", `${this.#path}: at byte ${this.#base + this.#from}: ${what}`);
  }

  /** Go on with the next file. */
  #close(): void {
    if (this.fd > 0) closeSync(this.fd);
    this.fd = -1;
    this.events = 0;
    this.due = 0;
  }

  #leave(): void {
    this.due = Number.POSITIVE_INFINITY;
    this.#env.poller.remove(this);
  }

  /** Move what is left to the front, into a larger buffer if `size` bytes would not fit. */
  #makeRoom(size: number): void {
    const { from, to } = { from: this.#from, to: this.#to };
    const former = this.#bytes;
    if (size > former.length) {
      this.#reserve(size);
      this.#bytes.set(former.subarray(from, to));
    } else if (from > 0) former.copyWithin(0, from, to);
    this.#base += from;
    this.#from = 0;
    this.#to = to - from;
  }

  #reserve(size: number): void {
    const buffer = new ArrayBuffer(size);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#containers.use(buffer);
  }

  [Symbol.dispose](): void {
    this.#close();
    this.#leave();
  }
}
