// SPDX-License-Identifier: BSD-3-Clause
import { join } from "node:path";

/** The program, from its source. */
export const MAIN = join(import.meta.dir, "../../src/main.ts");
/** Milliseconds after which what is waited for is taken not to come. */
const PATIENCE_MS = 20_000;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** From the signal to the end. */
  readonly milliseconds: number;
}

/** The product as an operator runs it: a process of its own, in the network namespace of this thread. */
export class Product implements AsyncDisposable {
  stdout = "";
  stderr = "";
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #read: Promise<unknown>;

  /** @param prefix A command that runs it, such as setpriv with its options. */
  constructor(args: readonly string[], prefix: readonly string[] = []) {
    this.#process = Bun.spawn([...prefix, process.execPath, MAIN, ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#read = Promise.all([
      this.#follow(this.#process.stdout, (text) => (this.stdout += text)),
      this.#follow(this.#process.stderr, (text) => (this.stderr += text)),
    ]);
  }

  async #follow(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Wait until standard error matches; returns the match. */
  async said(pattern: RegExp): Promise<RegExpExecArray> {
    return await this.until(() => pattern.exec(this.stderr) ?? undefined, String(pattern));
  }

  /** Wait until `look` finds something; fails, with what was said, when the product ends or time runs out. */
  async until<T>(
    look: () => T | undefined | Promise<T | undefined>,
    what = String(look),
  ): Promise<T> {
    const end = performance.now() + PATIENCE_MS;
    while (performance.now() < end) {
      const found = await look();
      if (found !== undefined) return found;
      if (this.#process.exitCode !== null) break;
      await Bun.sleep(50);
    }
    throw new Error(`${what} did not come; the product said: ${this.stderr}${this.stdout}`);
  }

  /** Send a signal and wait for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Outcome> {
    const began = performance.now();
    this.#process.kill(signal);
    return await this.outcome(began);
  }

  /** Wait for the end. */
  async outcome(began = performance.now()): Promise<Outcome> {
    const code = await this.#process.exited;
    const milliseconds = Math.round(performance.now() - began);
    await this.#read;
    return { code, stdout: this.stdout, stderr: this.stderr, milliseconds };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

/** GET from within the namespace: this process's own HTTP client is a thread outside of it. */
export function get(url: string): unknown {
  const code = `console.log(await (await fetch("${url}")).text())`;
  const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", code]);
  if (stdout.length === 0) throw new Error(`GET ${url}: ${stderr.toString()}`);
  return JSON.parse(stdout.toString());
}
