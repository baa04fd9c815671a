// SPDX-License-Identifier: BSD-3-Clause
/** What lies where in the folder of `--data`. @module */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { EXIT, messageOf, NemeanError } from "../core/errors.ts";

/** @throws {NemeanError} ERR_STORE */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw new NemeanError("ERR_STORE", EXIT.cannotCreate, `--data ${path}: ${messageOf(error)}`);
  }
}

/** Alerts, and the configurations that were applied. */
export const storePath = (folder: string): string => join(folder, "nemean.sqlite");

/** Users, sessions, tokens and the audit log. */
export const accountsPath = (folder: string): string => join(folder, "control.sqlite");

/** Alerts that sinks still have to get. */
export const queuePath = (folder: string): string => join(folder, "delivery.sqlite");

/** The socket that `nemean ctl` speaks to. */
export const socketPath = (folder: string): string => join(folder, "control.sock");

/** The socket at which the processes of the product find control. */
export const processSocketPath = (folder: string): string => join(folder, "process.sock");

/** Unix sockets of TRAP interfaces, where TRAP_SOCKET_DIR names no other folder. */
export const trapPath = (folder: string): string => join(folder, "trap");

/** Key and certificate of the API. */
export const tlsPath = (folder: string): string => join(folder, "tls");

/** States that modules keep over a restart. */
export const statePath = (folder: string): string => join(folder, "state");
