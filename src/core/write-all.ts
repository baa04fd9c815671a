// SPDX-License-Identifier: BSD-3-Clause
import { writeSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "./errors.ts";

/**
 * Write all bytes to a descriptor, waiting where a pipe is full; `name` is what the operator calls it.
 * @throws {NemeanError} ERR_OUTPUT; its exit code is 0 when the reader of a pipe has gone (`| head`), which is no
 * failure of ours and needs no message
 */
export function writeAll(fd: number, bytes: Uint8Array, name: string): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE")
        throw new NemeanError("ERR_OUTPUT", EXIT.ok, `${name}: its reader has gone`);
      if (code !== "EAGAIN")
        throw new NemeanError("ERR_OUTPUT", EXIT.io, `cannot write ${name}: ${messageOf(error)}`);
      // A pipe in non-blocking mode is full: its reader needs time.
      Bun.sleepSync(1);
    }
  }
}
