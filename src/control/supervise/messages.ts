// SPDX-License-Identifier: BSD-3-Clause
/** What control and the other processes tell one another over the control socket, a JSON value a line. @module */
import type { Alert } from "../../core/alert.ts";
import type { Snapshot } from "../snapshot.ts";
import type { WorkerFailure } from "../worker.ts";
import type { ProcessTask } from "./layout.ts";

export type ToControl =
  /** The first message: who it is. */
  | { readonly kind: "hello"; readonly name: string; readonly pid: number }
  | { readonly kind: "ready" }
  /** It lives, and so do its Workers. */
  | { readonly kind: "beat"; readonly snapshot: Snapshot; readonly alertsDropped: number }
  /** Numbered from 1 in each process; sent again after a connection is lost until it is acknowledged. */
  | { readonly kind: "alert"; readonly number: number; readonly alert: Alert }
  /** It ends; the source has no more when there is no failure and it was not told to. */
  | { readonly kind: "ended"; readonly failure?: WorkerFailure };

export type ToProcess =
  | { readonly kind: "task"; readonly task: ProcessTask }
  /** All alerts up to this number are stored. */
  | { readonly kind: "taken"; readonly number: number };
