// SPDX-License-Identifier: BSD-3-Clause
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Alert } from "../../core/alert.ts";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import type { ProcessTask } from "./layout.ts";
import { readLines, writeLine } from "./lines.ts";
import type { ToControl, ToProcess } from "./messages.ts";

/** Connections at a time: more than any product has processes. */
const CONNECTIONS_MAX = 256;
/** Milliseconds in which alerts gather that are kept together. */
const GROUP_MS = 50;
/** Owner and group: processes of the product run as users of one group. */
const MODE = 0o660;

export type Report = Exclude<ToControl, { kind: "hello" | "alert" }>;

export interface ControlHooks {
  /** The task of a process that has come; undefined for one that is not known. */
  readonly taskOf: (name: string) => ProcessTask | undefined;
  readonly onReport: (name: string, report: Report) => void;
  readonly onAlert: (alert: Alert) => void;
  /** Resolves once the alerts so far would survive this process, or cannot be made to for now. */
  readonly keep: () => Promise<void>;
}

/**
 * Where the processes of the product come for their tasks, and bring what they find. Those that were started by an
 * earlier control come back here and go on.
 */
export class ControlSocket implements Disposable {
  readonly path: string;
  readonly #server: Server;
  readonly #hooks: ControlHooks;
  readonly #sockets = new Set<Socket>();

  private constructor(path: string, hooks: ControlHooks) {
    this.path = path;
    this.#hooks = hooks;
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** @throws {NemeanError} ERR_SOCKET */
  static async listen(path: string, hooks: ControlHooks): Promise<ControlSocket> {
    const control = new ControlSocket(path, hooks);
    rmSync(path, { force: true });
    const listening = Promise.withResolvers<void>();
    control.#server.once("error", listening.reject);
    control.#server.listen(path, listening.resolve);
    try {
      await listening.promise;
      chmodSync(path, MODE);
    } catch (error) {
      throw new NemeanError("ERR_SOCKET", EXIT.unavailable, `${path}: ${messageOf(error)}`);
    }
    control.#server.on("error", () => {});
    return control;
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let name: string | undefined;
    const taken = new Taken(socket, this.#hooks.keep);
    readLines(socket, (value) => {
      const message = value as ToControl;
      if (name === undefined) {
        if (message.kind !== "hello") throw new Error("no hello");
        name = message.name;
        this.#greet(socket, name);
        return;
      }
      this.#take(name, message, taken);
    });
  }

  #greet(socket: Socket, name: string): void {
    const task = this.#hooks.taskOf(name);
    if (!task) socket.destroy();
    else writeLine(socket, { kind: "task", task } satisfies ToProcess);
  }

  #take(name: string, message: ToControl, taken: Taken): void {
    if (message.kind === "hello") return;
    if (message.kind !== "alert") {
      this.#hooks.onReport(name, message);
      return;
    }
    this.#hooks.onAlert(message.alert);
    taken.note(message.number);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.path, { force: true });
  }
}

/** Tells a process which of its alerts are kept: many at a time, since to keep some costs as much as to keep one. */
class Taken {
  readonly #socket: Socket;
  readonly #keep: () => Promise<void>;
  #latest = 0;
  #isBusy = false;

  constructor(socket: Socket, keep: () => Promise<void>) {
    this.#socket = socket;
    this.#keep = keep;
  }

  note(number: number): void {
    this.#latest = number;
    if (!this.#isBusy) void this.#tell();
  }

  async #tell(): Promise<void> {
    this.#isBusy = true;
    for (let told = 0; told < this.#latest && !this.#socket.destroyed; ) {
      // biome-ignore lint/performance/noAwaitInLoops: one group after the other is the point.
      await Bun.sleep(GROUP_MS);
      told = this.#latest;
      await this.#keep();
      writeLine(this.#socket, { kind: "taken", number: told } satisfies ToProcess);
    }
    this.#isBusy = false;
  }
}
