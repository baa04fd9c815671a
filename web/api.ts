// SPDX-License-Identifier: BSD-3-Clause
/** What the console asks the API. @module */
import type { alertView } from "../src/control/api/alert-view.ts";
import type { DeliveryStats } from "../src/control/delivery/delivery.ts";
import type { Snapshot } from "../src/control/snapshot.ts";
import type { AlertStoreCounts } from "../src/control/store/alert-store.ts";

/** Types alone are taken from the API: a page knows nothing that any client could not ask for. */
export type Alert = ReturnType<typeof alertView>;
export type Stats = Omit<Snapshot, "at"> & {
  readonly at: string;
  readonly store: AlertStoreCounts;
  readonly delivery?: DeliveryStats;
};
export interface AlertPage {
  readonly items: readonly Alert[];
  readonly next: string | null;
}
export interface Health {
  readonly status: "ok" | "degraded";
  readonly reasons: readonly string[];
  readonly version: string;
  readonly uptime: number;
}
export interface SinkPage {
  readonly items: DeliveryStats["sinks"];
  readonly queue: DeliveryStats["queue"];
}
export interface SinkTest {
  readonly accepted: number;
  readonly refused?: string;
  readonly failure?: string;
}
export interface Items<T> {
  readonly items: readonly T[];
}

/** One thing that is wrong with a request: a field of it, or a place in its text. */
export interface Mistake {
  readonly detail?: string;
  readonly message?: string;
  readonly line?: number;
  readonly column?: number;
}

/** What the API refused, in its words. */
export class ApiError extends Error {
  readonly status: number;
  readonly mistakes: readonly Mistake[];

  constructor(status: number, message: string, mistakes: readonly Mistake[] = []) {
    super(message);
    this.status = status;
    this.mistakes = mistakes;
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  const body = (await response.json().catch(() => ({}))) as {
    title?: string;
    detail?: string;
    errors?: Mistake[];
  };
  if (response.ok) return body as T;
  const said = body.detail ?? body.title ?? `the API answered ${response.status}`;
  throw new ApiError(response.status, said, body.errors);
}

/** Event of the window: the session has ended, or there never was one. */
export const STRANGER = "nemean-stranger";

/** GET; throws {@link ApiError}, or TypeError when nobody answers. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(path, signal ? { signal } : {});
  if (response.status === 401) dispatchEvent(new Event(STRANGER));
  return answerOf<T>(response);
}

export type Body = Readonly<Record<string, unknown>> | undefined;

/** Send JSON, with the session's proof where there is one. */
async function send<T>(
  path: string,
  { method, body, csrf }: { method: string; body: Body; csrf: string | undefined },
): Promise<T> {
  const headers: Record<string, string> = {};
  if (body) headers["content-type"] = "application/json";
  if (csrf !== undefined) headers["x-csrf-token"] = csrf;
  const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
  return answerOf<T>(await fetch(path, init));
}

export const post = <T>(path: string, body: Body, csrf?: string): Promise<T> =>
  send(path, { method: "POST", body, csrf });
export const patch = <T>(path: string, body: Body, csrf: string): Promise<T> =>
  send(path, { method: "PATCH", body, csrf });
export const remove = <T>(path: string, csrf: string): Promise<T> =>
  send(path, { method: "DELETE", body: undefined, csrf });

/** Words for what went wrong. */
export const wordsOf = (error: unknown): string =>
  error instanceof ApiError ? error.message : "the appliance does not answer";
