// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const KINDS = ["tmpfs", "ext4"] as const;
export type Kind = (typeof KINDS)[number];

/** A small file system of its own, which goes with the test. */
export class Volume implements Disposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "nemean-volume-"));
  readonly #kind: Kind;

  constructor(kind: Kind, megabytes: number) {
    this.#kind = kind;
    this.path = join(this.#folder, "mount");
    mkdirSync(this.path);
    try {
      if (kind === "tmpfs") run("mount", "-t", "tmpfs", "-o", sizeOf(megabytes), kind, this.path);
      else {
        const image = join(this.#folder, "image");
        run("truncate", "-s", `${megabytes}M`, image);
        run("mkfs.ext4", "-q", image);
        run("mount", "-o", "loop", image, this.path);
      }
    } catch (error) {
      rmSync(this.#folder, { recursive: true });
      throw error;
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Take all room that is left, with a file that is none of ours. */
  fill(): void {
    const fd = openSync(this.file("foreign"), "a");
    try {
      for (const size of [1 << 20, 4096, 1]) writeUntilFull(fd, new Uint8Array(size));
    } finally {
      closeSync(fd);
    }
  }

  /** Take that file away. */
  free(): void {
    rmSync(this.file("foreign"));
  }

  /** Make it larger, what a tmpfs alone can be while it is in use. */
  grow(megabytes: number): void {
    if (this.#kind !== "tmpfs") throw new Error(`${this.#kind} keeps its size`);
    run("mount", "-o", `remount,${sizeOf(megabytes)}`, this.path);
  }

  [Symbol.dispose](): void {
    run("umount", "--lazy", this.path);
    rmSync(this.#folder, { recursive: true });
  }
}

/** Why there can be none here, or undefined when there can. */
export function volumeObstacle(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  if (Bun.which("mkfs.ext4") === null) return "needs mkfs.ext4";
  try {
    for (const kind of KINDS) new Volume(kind, 2)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const sizeOf = (megabytes: number): string => `size=${megabytes}m`;

function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
}

function writeUntilFull(fd: number, bytes: Uint8Array): void {
  try {
    for (;;) writeSync(fd, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}
