// SPDX-License-Identifier: BSD-3-Clause
import type { Subprocess } from "bun";
import { LEVELS, type Level } from "../../core/log.ts";
import type { Backend, BackendHooks, Exit, ProcessSpec } from "./backend.ts";
import { itself } from "./itself.ts";
import type { LogLine } from "./view.ts";

/** Lines of each process that are kept. */
const LINES_MAX = 500;
/** Longest part of a line that is kept. */
const LINE_MAX = 4000;
/** What the journal and this read as a line's severity. */
const PREFIX = /^<([0-7])>/;

export interface EmbeddedOptions {
  /** Where the other processes find control. */
  readonly socket: string;
  /** Variables of their environment beside this process's. */
  readonly env: Readonly<Record<string, string>>;
  /** Told each line that they write. */
  readonly onLine: (name: string, line: LogLine) => void;
}

/** Has the kernel end a program that knows nothing of us with us, however we end. */
const tied = (command: readonly string[]): string[] =>
  Bun.which("setpriv") === null || Bun.which(command[0] ?? "") === null
    ? [...command]
    : ["setpriv", "--pdeathsig", "TERM", "--", ...command];

type Child = Subprocess<"pipe" | "ignore", "pipe", "pipe">;

/** Processes as children of this one: they end when it does, however it ends. */
export class EmbeddedBackend implements Backend {
  readonly kind = "embedded";
  readonly #options: EmbeddedOptions;
  readonly #children = new Map<string, Child>();
  readonly #lines = new Map<string, LogLine[]>();
  #onExit: BackendHooks["onExit"] = () => {};

  constructor(options: EmbeddedOptions) {
    this.#options = options;
  }

  observe({ onExit }: BackendHooks): void {
    this.#onExit = onExit;
  }

  start({ name, kind, command }: ProcessSpec): void {
    const words =
      command && kind === "command"
        ? tied(command)
        : [...itself(), "process", name, "--control", this.#options.socket, "--tied"];
    try {
      const child: Child = Bun.spawn(words, {
        // A child of ours ends when nobody holds the other end any more.
        stdin: kind === "command" ? "ignore" : "pipe",
        stdout: "pipe",
        stderr: "pipe",
        // Ctrl-C on a terminal is for control, which ends the others one after the other.
        detached: true,
        env: { ...process.env, ...this.#options.env, JOURNAL_STREAM: "nemean" },
        onExit: (_child, code, signal): void =>
          this.#gone(name, child, { code, signal: signal === null ? null : String(signal) }),
      });
      this.#children.set(name, child);
      void this.#follow(name, child.stdout);
      void this.#follow(name, child.stderr);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      queueMicrotask(() => this.#onExit(name, { code: null, signal: null, detail }));
    }
  }

  #gone(name: string, child: unknown, exit: Exit): void {
    if (this.#children.get(name) === child) this.#children.delete(name);
    this.#onExit(name, exit);
  }

  async #follow(name: string, stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of stream) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop()!.slice(0, LINE_MAX);
      for (const line of lines) this.#note(name, line);
    }
    if (rest !== "") this.#note(name, rest);
  }

  #note(name: string, text: string): void {
    const [prefix = "", severity] = PREFIX.exec(text) ?? [];
    const level: Level = severity === undefined ? "info" : levelOf(Number(severity));
    const line = { at: Date.now() * 1000, level, message: text.slice(prefix.length, LINE_MAX) };
    const lines = this.#lines.get(name) ?? [];
    lines.push(line);
    if (lines.length > LINES_MAX) lines.shift();
    this.#lines.set(name, lines);
    this.#options.onLine(name, line);
  }

  stop(name: string): void {
    this.#children.get(name)?.kill("SIGTERM");
  }

  kill(name: string): void {
    this.#children.get(name)?.kill("SIGKILL");
  }

  pidOf(name: string): number | undefined {
    return this.#children.get(name)?.pid;
  }

  async logs(name: string, most: number): Promise<readonly LogLine[]> {
    return (this.#lines.get(name) ?? []).slice(-most);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const children = [...this.#children.values()];
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(({ exited }) => exited));
  }
}

/** The level of a syslog severity; what is worse than an error is one. */
const levelOf = (severity: number): Level => LEVELS[Math.max(0, severity - 3)]!;
