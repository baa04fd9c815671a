// SPDX-License-Identifier: BSD-3-Clause
import type { Backend, BackendHooks, Exit, ProcessSpec } from "../backend.ts";
import type { ProcessPlan } from "../layout.ts";
import type { LogLine } from "../view.ts";

/** A backend whose processes do what a test says, and which remembers what it was asked. */
export class FakeBackend implements Backend {
  readonly kind = "embedded";
  readonly asked: string[] = [];
  #hooks: BackendHooks | undefined;

  observe(hooks: BackendHooks): void {
    this.#hooks = hooks;
  }

  start({ name }: ProcessSpec): void {
    this.asked.push(`start ${name}`);
  }

  stop(name: string): void {
    this.asked.push(`stop ${name}`);
  }

  kill(name: string): void {
    this.asked.push(`kill ${name}`);
  }

  /** The process ends. */
  end(name: string, exit: Partial<Exit> = {}): void {
    this.#hooks!.onExit(name, { code: 0, signal: null, ...exit });
  }

  pidOf(): number | undefined {
    return undefined;
  }

  async logs(): Promise<readonly LogLine[]> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** A clock that a test sets. */
export class FakeClocks {
  seconds = 1000;
  readonly now = (): number => this.seconds;
  readonly wall = (): number => this.seconds * 1_000_000;
}

export const planOf = (name: string, more: Partial<ProcessPlan> = {}): ProcessPlan => ({
  name,
  kind: "module",
  task: { kind: "trap", plan: { module: "logger", params: {}, interfaces: "u:x" } },
  modules: [name],
  memory: 1024,
  ...more,
});
