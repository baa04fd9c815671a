// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync, readSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";

const CHUNK = 1 << 16;
/** Characters of a line; a record's text is far below. */
const LINE_MAX = 1 << 20;

/**
 * Lines of a file, or of standard input for `-`, without their ends. A line without end is bounded: what is past
 * {@link LINE_MAX} characters comes as a line of its own.
 * @throws {NemeanError} ERR_INPUT when it cannot be read
 */
export function* textLines(path: string): Generator<string> {
  const fd = path === "-" ? 0 : attempt(path, () => openSync(path, "r"));
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(CHUNK);
  let rest = "";
  try {
    for (;;) {
      const read = attempt(path, () => readSome(fd, chunk));
      if (read === 0) break;
      const lines = (rest + decoder.decode(chunk.subarray(0, read), { stream: true })).split("\n");
      rest = lines.pop()!;
      yield* lines;
      if (rest.length < LINE_MAX) continue;
      yield rest;
      rest = "";
    }
    if (rest !== "") yield rest;
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const name = path === "-" ? "standard input" : path;
    throw new NemeanError("ERR_INPUT", EXIT.noInput, `cannot read ${name}: ${messageOf(error)}`);
  }
}

function readSome(fd: number, chunk: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, chunk, 0, chunk.length, null);
    } catch (error) {
      // Standard input in non-blocking mode has nothing yet.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Bun.sleepSync(1);
    }
  }
}
