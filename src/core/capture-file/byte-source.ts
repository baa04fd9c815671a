// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync, readSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../errors.ts";

/** Where the bytes of a capture come from: a file, a pipe, a decompressor. */
export interface ByteSource {
  /**
   * Put up to `size` bytes into `target` at `offset`. Returns how many, 0 only at the end.
   * Waits for bytes when the source is a pipe.
   */
  read(target: Uint8Array, offset: number, size: number): number;
  /** Bytes taken of the file itself, which may be packed: what a progress bar wants to know. */
  readonly bytesRead: number;
  /** Why the bytes ended before their time. Empty when they did not. */
  readonly damage: string;
  close(): void;
}

/** Reads a file or a pipe by its descriptor, in order, without seeking. */
export class FileSource implements ByteSource {
  bytesRead = 0;
  damage = "";
  private readonly fd: number;
  private readonly name: string;
  private begun = false;
  private open = true;

  /** Takes over `fd`: closing the source closes it, unless it is standard input. */
  constructor(fd: number, name: string) {
    this.fd = fd;
    this.name = name;
  }

  /** Throws ERR_INPUT when the file cannot be opened. "-" is standard input. */
  static open(path: string): FileSource {
    if (path === "-") return new FileSource(0, "standard input");
    try {
      return new FileSource(openSync(path, "r"), path);
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  /** Throws ERR_INPUT when the first bytes cannot be read; later the bytes merely end, damaged. */
  read(target: Uint8Array, offset: number, size: number): number {
    for (;;) {
      try {
        const read = readSync(this.fd, target, offset, size, null);
        this.begun = true;
        this.bytesRead += read;
        return read;
      } catch (error) {
        const code = codeOf(error);
        if (code === "EINTR") continue;
        if (code === "EAGAIN") {
          // Standard input that the shell left non-blocking: there is nothing yet, and no other work.
          Bun.sleepSync(2);
          continue;
        }
        if (!this.begun) throw unreadable(this.name, error);
        this.damage = `it cannot be read on: ${reasonOf(error)}`;
        return 0;
      }
    }
  }

  close(): void {
    if (this.open && this.fd !== 0) closeSync(this.fd);
    this.open = false;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "";

const reasonOf = (error: unknown): string => REASONS[codeOf(error)] ?? messageOf(error);

const unreadable = (name: string, error: unknown): NemeanError =>
  new NemeanError("ERR_INPUT", EXIT.noInput, `${name}: cannot be read: ${reasonOf(error)}`, error);
