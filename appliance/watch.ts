// SPDX-License-Identifier: BSD-3-Clause
/** What one waits for as a machine comes up: by asking again, until it is there or qemu has ended. @module */
import { BuildError } from "./command.ts";
import type { Machine } from "./machine.ts";

const PAUSE = 500;

/** Five times what a quiet machine without KVM takes to boot, in milliseconds. */
export const PATIENCE = 300_000;

/**
 * Ask until there is an answer.
 * @throws {BuildError} when the machine ends, or after `patience` milliseconds.
 */
export async function until<T>(
  machine: Machine,
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  patience = PATIENCE,
): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    machine.check();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end)
      throw new BuildError(
        `${what}: not within ${patience / 1000} s\n${machine.serial.slice(-2000)}`,
      );
    await Bun.sleep(PAUSE);
  }
}

/** A request to the appliance, whose certificate is its own. */
export const ask = (url: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url, { ...init, tls: { rejectUnauthorized: false }, signal: AbortSignal.timeout(30_000) });

/** Resolves once the API says that it is well, or at least what is wrong. */
export const apiAnswers = (machine: Machine, url: string): Promise<unknown> =>
  until(machine, "API", async () => {
    try {
      return (await ask(`${url}healthz`)).json();
    } catch {
      return undefined;
    }
  });

const TOKEN = /One-time setup token: ([A-Za-z0-9_-]+)/;

/** The token that the serial console shows. */
export const setupToken = (machine: Machine): Promise<string> =>
  until(machine, "setup token", () => TOKEN.exec(machine.serial)?.[1]);
