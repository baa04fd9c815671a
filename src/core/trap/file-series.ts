// SPDX-License-Identifier: BSD-3-Clause
import { constants, mkdirSync, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../clock.ts";
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import {
  checkPath,
  intervalStart,
  intervalSuffix,
  NUMBERS,
  numberedPath,
  timedPath,
} from "./file-name.ts";
import type { FileOutputSpec } from "./specifier.ts";

/** A file that is being written. */
export interface OpenFile {
  readonly fd: number;
  readonly path: string;
  /** Regular, so that a write that went wrong can be undone; not a terminal, pipe or device. */
  readonly regular: boolean;
  /** Of the process, which stays open when this output closes. */
  readonly borrowed: boolean;
}

const { O_CREAT, O_EXCL, O_NONBLOCK, O_TRUNC, O_WRONLY } = constants;
const MODE = 0o666;
const MEGABYTE = 2 ** 20;
/** How often it is looked whether a FIFO has got a reader. */
const READER_MS = 50;
const STANDARD: Readonly<Record<string, number>> = { "/dev/stdout": 1, "/dev/stderr": 2 };

/**
 * The files of one output, one after another. What they are called (PATH with its conversions filled in):
 *
 * | specifier | first | then |
 * |---|---|---|
 * | `f:PATH` | PATH, emptied | |
 * | `:a` | first free of PATH.00000, PATH.00001, … | |
 * | `:size=N` | PATH.00000, emptied | the next number |
 * | `:time=N` | PATH.202611240205, emptied | that of the interval |
 * | `:time=N:size=N` | PATH.202611240205.00000, emptied | the next number, from 0 again in each interval |
 *
 * Another layout always goes to the first free number from the next one on: `f:PATH` goes on with PATH.00000 if
 * there is none. With `a`, and in the hour that clocks go through twice in autumn, no file is ever emptied.
 */
export class FileSeries {
  readonly #spec: FileOutputSpec;
  readonly #clock: Clock;
  readonly #stopped: () => boolean;
  /** Where the present interval begins, in microseconds since 1970. */
  #interval = Number.NEGATIVE_INFINITY;
  /** The latest suffix in local time, which may go backwards. */
  #latest = "";
  /** Names of this interval may have been used by an earlier one. */
  #repeats = false;
  #next = 0;

  /**
   * @param stopped whether it is no use to wait for a FIFO's reader any longer
   * @throws {NemeanError} ERR_TRAP for a path with conversions that are not known
   */
  constructor(spec: FileOutputSpec, clock: Clock, stopped: () => boolean) {
    checkPath(spec.path, spec.text);
    this.#spec = spec;
    this.#clock = clock;
    this.#stopped = stopped;
  }

  /** Whether what comes next belongs into another file than one of `size` bytes. */
  due(file: OpenFile, size: number): boolean {
    const { minutes, megabytes } = this.#spec;
    if (!file.regular) return false;
    if (megabytes !== undefined && size >= megabytes * MEGABYTE) return true;
    // A clock that was set back changes nothing until it has caught up.
    return minutes !== undefined && intervalStart(this.#clock.now(), minutes) > this.#interval;
  }

  /**
   * Begin the next file.
   * @param unused the name must not be in use: the layout has changed
   * @throws {NemeanError} ERR_TRAP with path and cure
   */
  open(unused: boolean): OpenFile {
    const { path, minutes, megabytes, append } = this.#spec;
    const now = this.#clock.now();
    const plain = timedPath(path, minutes === undefined ? now : intervalStart(now, minutes));
    const standard = STANDARD[plain];
    if (standard !== undefined)
      return { fd: standard, path: plain, regular: false, borrowed: true };
    try {
      const found = statSync(plain, { throwIfNoEntry: false });
      if (found && isStream(found)) return this.#openStream(plain, found);
      const base = minutes === undefined ? plain : this.#intervalPath(now, minutes);
      mkdirSync(dirname(base), { recursive: true });
      if (append || unused || this.#repeats) return this.#openUnused(base);
      const name = megabytes === undefined ? base : numberedPath(base, this.#next++);
      return regular(name, openSync(name, O_WRONLY | O_CREAT | O_TRUNC, MODE));
    } catch (error) {
      if (error instanceof NemeanError) throw error;
      throw this.#cannotWrite(messageOf(error));
    }
  }

  #intervalPath(now: number, minutes: number): string {
    const start = Math.max(intervalStart(now, minutes), this.#interval);
    const suffix = intervalSuffix(start);
    if (start > this.#interval) {
      this.#interval = start;
      this.#next = 0;
      this.#repeats = suffix <= this.#latest;
      if (!this.#repeats) this.#latest = suffix;
    }
    return timedPath(this.#spec.path, start) + suffix;
  }

  #openUnused(base: string): OpenFile {
    while (this.#next < NUMBERS) {
      const name = numberedPath(base, this.#next++);
      try {
        return regular(name, openSync(name, O_WRONLY | O_CREAT | O_EXCL, MODE));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
    throw this.#cannotWrite(`all numbers up to ${numberedPath(base, NUMBERS - 1)} are in use`);
  }

  /** A FIFO without a reader refuses to be opened: wait for one, as a shell would, but see a stop. */
  #openStream(path: string, found: Stats): OpenFile {
    for (;;) {
      try {
        const fd = openSync(path, O_WRONLY | O_NONBLOCK);
        return { fd, path, regular: false, borrowed: false };
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "ENXIO" || !found.isFIFO()) throw error;
      }
      if (this.#stopped())
        throw new NemeanError("ERR_TRAP", EXIT.ok, `${path}: stopped before a reader came`);
      Bun.sleepSync(READER_MS);
    }
  }

  #cannotWrite(why: string): NemeanError {
    return new NemeanError(
      "ERR_TRAP",
      EXIT.cannotCreate,
      `interface "${this.#spec.text}": cannot write there: ${why}; name a file that this user may write`,
    );
  }
}

const isStream = (found: Stats): boolean => !found.isFile() && !found.isDirectory();

const regular = (path: string, fd: number): OpenFile => ({
  fd,
  path,
  regular: true,
  borrowed: false,
});
