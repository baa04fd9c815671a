// SPDX-License-Identifier: BSD-3-Clause
import { existsSync } from "node:fs";
import type { Receiver } from "../port.ts";
import { Blackhole } from "./blackhole.ts";
import { openFileInput } from "./file-input.ts";
import { openFileOutput } from "./file-output.ts";
import { Generator } from "./generator.ts";
import type { TrapEnvironment, TrapInput, TrapOutput } from "./interface.ts";
import { SocketInput } from "./socket-input.ts";
import { SocketOutput } from "./socket-output.ts";
import type { InputSpec, OutputSpec, Timeout } from "./specifier.ts";

/** Where distributions' packages of NEMEA keep their sockets, and where a build by hand does. */
const FOLDERS = ["/run/libtrap", "/var/run/libtrap"];
const FOLDER_DEFAULT = "/tmp";

/** Folder of unix sockets: `TRAP_SOCKET_DIR`, that of NEMEA's packages where it exists, else /tmp. */
export function socketFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { TRAP_SOCKET_DIR: named } = environment;
  if (named) return named;
  return FOLDERS.find((folder) => existsSync(folder)) ?? FOLDER_DEFAULT;
}

/**
 * Open an input that delivers to `receiver` as the environment's loop turns.
 * @throws {NemeanError} when it can never work: no such file, a path too long; a sender may come later
 */
export function openInput(spec: InputSpec, receiver: Receiver, env: TrapEnvironment): TrapInput {
  if (spec.type === "g") return new Generator(spec.message, receiver, env);
  if (spec.type === "f") return openFileInput(spec, receiver, env);
  return new SocketInput(spec, receiver, env);
}

/**
 * Open an output; `timeout` is what the module wants where the specifier does not say.
 * @throws {NemeanError} ERR_SOCKET, ERR_TRAP when it cannot listen or write there
 */
export function openOutput(spec: OutputSpec, timeout: Timeout, env: TrapEnvironment): TrapOutput {
  if (spec.type === "b") return new Blackhole();
  if (spec.type === "f") return openFileOutput(spec, env);
  return new SocketOutput(spec, timeout, env);
}
