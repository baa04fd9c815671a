// SPDX-License-Identifier: BSD-3-Clause
import { constants, existsSync, type Stats } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { messageOf } from "../../core/errors.ts";
import type { SendResult } from "../../core/exporter.ts";

export interface LogFileOptions {
  readonly path: string;
  /** Permissions of a file that is made. */
  readonly mode: number;
  /** Size beyond which no line is begun. */
  readonly rotateBytes: number;
  /** Moved files to keep. */
  readonly keep: number;
  /** Whether to wait for the disk. */
  readonly sync: boolean;
}

/** Read too, to see how the file ends; a pipe that somebody put there must not block. */
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_NONBLOCK;
const LINE_FEED = 10;
/** A disk with room again is found so soon: another look burdens nobody, as it would a server. */
const RETRY_MS = 5000;
const EMPTY = new Uint8Array(0);
const NEW_LINE = Uint8Array.of(LINE_FEED);

/** A file that lines are appended to, whole ones only, whoever moves, cuts or fills it meanwhile. */
export class LogFile {
  readonly #options: LogFileOptions;
  #handle: FileHandle | undefined;
  /** Whether the file ends within a line. */
  #torn = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** Append lines, each with its line break. Never rejects. */
  async append(lines: readonly Uint8Array[]): Promise<SendResult> {
    let accepted = 0;
    try {
      while (accepted < lines.length) {
        // biome-ignore lint/performance/noAwaitInLoops: one file after the other, and lines in their order.
        const { handle, size } = await this.#current(lines[accepted]!.length);
        const part = this.#fitting(lines, accepted, size);
        const written = await this.#write(handle, part);
        if (this.#options.sync && written.accepted > 0) await synced(handle);
        accepted += written.accepted;
        if (written.failure !== undefined)
          return { accepted, failure: written.failure, retryAfter: RETRY_MS };
      }
      return { accepted };
    } catch (error) {
      await this.close();
      return { accepted, failure: this.#failure(error), retryAfter: RETRY_MS };
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    // Whatever a close complains of, the descriptor is gone.
    await handle?.close().catch(() => undefined);
  }

  #failure(error: unknown): string {
    return `${this.#options.path}: ${messageOf(error)}`;
  }

  /** The lines from `from` on that go into a file of this size: at least one. */
  #fitting(lines: readonly Uint8Array[], from: number, size: number): readonly Uint8Array[] {
    let to = from;
    for (let sum = size; to < lines.length; to++) {
      sum += lines[to]!.length;
      if (sum > this.#options.rotateBytes && to > from) break;
    }
    return lines.slice(from, to);
  }

  /** The file with room for `wanted` bytes: opened, or opened anew where somebody moved it. */
  async #current(wanted: number): Promise<{ handle: FileHandle; size: number }> {
    let handle = this.#handle;
    if (!handle || !(await this.#isInPlace(handle))) handle = await this.#open();
    const about = await handle.stat();
    if (!isRotatable(about, wanted, this.#options.rotateBytes)) return { handle, size: about.size };
    await this.#rotate();
    return { handle: await this.#open(), size: 0 };
  }

  async #isInPlace(handle: FileHandle): Promise<boolean> {
    try {
      const [own, named] = [await handle.stat(), await stat(this.#options.path)];
      return own.ino === named.ino && own.dev === named.dev;
    } catch {
      return false;
    }
  }

  async #open(): Promise<FileHandle> {
    await this.close();
    const handle = await this.#openOrMake();
    this.#handle = handle;
    const about = await handle.stat();
    if (!about.isFile() && !about.isCharacterDevice()) throw new Error("is no file");
    this.#torn = about.isFile() && (await endsWithinLine(handle, about.size));
    return handle;
  }

  async #openOrMake(): Promise<FileHandle> {
    const { path, mode } = this.#options;
    try {
      return await open(path, FLAGS);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const handle = await open(path, FLAGS | constants.O_CREAT, mode);
    // The permissions that were asked for, not what the umask leaves of them.
    await handle.chmod(mode);
    return handle;
  }

  async #rotate(): Promise<void> {
    const { path, keep } = this.#options;
    await this.close();
    let first = 1;
    while (first < keep && existsSync(`${path}.${first}`)) first++;
    for (let n = first - 1; n >= 1; n--) {
      // biome-ignore lint/performance/noAwaitInLoops: each takes the name that the one before it left.
      await rename(`${path}.${n}`, `${path}.${n + 1}`);
    }
    await rename(path, `${path}.1`);
  }

  /** Write lines in one go; of a line that the disk has no room for nothing stays. */
  async #write(handle: FileHandle, lines: readonly Uint8Array[]): Promise<SendResult> {
    const lead = this.#torn ? NEW_LINE : EMPTY;
    const bytes = Buffer.concat([lead, ...lines]);
    let at = 0;
    try {
      while (at < bytes.length) {
        // biome-ignore lint/performance/noAwaitInLoops: what a write left is written next.
        const { bytesWritten } = await handle.write(bytes, at);
        if (bytesWritten === 0) throw new Error("takes no more");
        at += bytesWritten;
      }
      this.#torn = false;
      return { accepted: lines.length };
    } catch (error) {
      const { accepted, end } = wholeLines(lines, lead.length, at);
      if (at > end) this.#torn = !(await takenBack(handle, at - end));
      else if (at > 0) this.#torn = false;
      return { accepted, failure: this.#failure(error) };
    }
  }
}

const isRotatable = (about: Stats, wanted: number, rotateBytes: number): boolean =>
  about.isFile() && about.size > 0 && about.size + wanted > rotateBytes;

async function endsWithinLine(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false;
  const last = new Uint8Array(1);
  await handle.read(last, 0, 1, size - 1);
  return last[0] !== LINE_FEED;
}

/** How many lines `written` bytes hold, and where the last of them ends. */
function wholeLines(
  lines: readonly Uint8Array[],
  lead: number,
  written: number,
): { accepted: number; end: number } {
  let [accepted, end] = [0, Math.min(lead, written)];
  for (const line of lines) {
    if (end + line.length > written) break;
    end += line.length;
    accepted++;
  }
  return { accepted, end };
}

/** Cut the last bytes off the file again. */
async function takenBack(handle: FileHandle, bytes: number): Promise<boolean> {
  try {
    const { size } = await handle.stat();
    await handle.truncate(size - bytes);
    return true;
  } catch {
    return false;
  }
}

async function synced(handle: FileHandle): Promise<void> {
  try {
    await handle.datasync();
  } catch (error) {
    // What keeps nothing has nothing to be waited for.
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
  }
}
