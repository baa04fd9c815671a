// SPDX-License-Identifier: BSD-3-Clause
import { writevSync } from "node:fs";
import { messageOf } from "../errors.ts";
import { libc } from "../net/libc.ts";
import { POLLOUT } from "../net/poller.ts";
import type { OpenFile } from "./file-series.ts";

/** How far a write came: all bytes, or as many as this and why not the others. */
export interface Written {
  readonly bytes: number;
  readonly failure: { readonly code: string | undefined; readonly text: string } | undefined;
}

const SLICE_MS = 100;
/** Milliseconds that the reader of a full pipe still has once the process is told to stop. */
const STOPPED_MS = 500;
const pollfd = new Int32Array(new ArrayBuffer(8));

/**
 * Write the parts one behind another, with one call as a rule.
 * @param at where in a regular file
 * @param stopped whether the reader of a full pipe is waited for no longer
 */
export function writeParts(
  { fd, regular }: OpenFile,
  parts: readonly Uint8Array[],
  { at, stopped }: { readonly at: number; readonly stopped: () => boolean },
): Written {
  let left = parts;
  let size = 0;
  for (const part of parts) size += part.length;
  let bytes = 0;
  for (;;) {
    try {
      bytes += writevSync(fd, left, regular ? at + bytes : undefined);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const again = code === "EINTR" || (code === "EAGAIN" && hasRoom(fd, stopped));
      if (!again) return { bytes, failure: { code, text: messageOf(error) } };
    }
    if (bytes >= size) return { bytes, failure: undefined };
    left = [Buffer.concat(parts).subarray(bytes)];
  }
}

/** Wait for a pipe's reader to make room. */
function hasRoom(fd: number, stopped: () => boolean): boolean {
  let stoppedAt = Number.POSITIVE_INFINITY;
  for (;;) {
    pollfd[0] = fd;
    pollfd[1] = POLLOUT;
    if (libc().poll(pollfd, 1 as never, SLICE_MS) > 0) return true;
    const now = performance.now();
    if (stopped()) stoppedAt = Math.min(stoppedAt, now);
    if (now - stoppedAt > STOPPED_MS) return false;
  }
}
