// SPDX-License-Identifier: BSD-3-Clause
import { connect, type Socket } from "node:net";
import type { Alert } from "../../core/alert.ts";
import { alertJson } from "../alert-json.ts";
import type { ProcessTask } from "./layout.ts";
import { readLines, writeLine, writeText } from "./lines.ts";
import type { ToControl, ToProcess } from "./messages.ts";

/** Milliseconds between attempts to reach control. */
const RETRY_MS = 500;
/** Alerts that control has not taken yet: while it is there its process waits at the bound. */
const UNTAKEN_MAX = 10_000;

/**
 * A process's line to control: it is told its task, and says how it fares. Control may go and come back: alerts are
 * kept for it within a bound and sent again, everything else is only of interest now.
 */
export class ControlLine implements Disposable {
  readonly #path: string;
  readonly #name: string;
  readonly #task = Promise.withResolvers<ProcessTask>();
  #socket: Socket | undefined;
  #closed = false;
  #ready = false;
  /** What was sent and not taken yet, oldest first. */
  #untaken: Extract<ToControl, { kind: "alert" }>[] = [];
  #number = 0;
  readonly #room: (() => void)[] = [];
  /** Alerts that were lost since control was away for too long. */
  dropped = 0;

  constructor(path: string, name: string) {
    this.#path = path;
    this.#name = name;
    this.#connect();
  }

  /** What control wants done; comes as soon as it is there. */
  get task(): Promise<ProcessTask> {
    return this.#task.promise;
  }

  #connect(): void {
    if (this.#closed) return;
    const socket = connect(this.#path);
    socket.on("connect", () => {
      this.#socket = socket;
      this.#send({ kind: "hello", name: this.#name, pid: process.pid });
      if (this.#ready) this.#send({ kind: "ready" });
      for (const message of this.#untaken) this.#send(message);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.#socket = undefined;
      // Nobody is there to wait for.
      this.#letOn();
      if (!this.#closed) setTimeout(() => this.#connect(), RETRY_MS);
    });
    readLines(socket, (value) => this.#take(value as ToProcess));
  }

  #take(message: ToProcess): void {
    if (message.kind === "task") this.#task.resolve(message.task);
    else {
      const count = this.#untaken.findIndex(({ number }) => number > message.number);
      this.#untaken = count < 0 ? [] : this.#untaken.slice(count);
      if (this.#untaken.length < UNTAKEN_MAX) this.#letOn();
    }
  }

  #letOn(): void {
    for (const resolve of this.#room.splice(0)) resolve();
  }

  #send(message: ToControl): void {
    if (!this.#socket) return;
    if (message.kind === "alert") writeText(this.#socket, textOf(message));
    else writeLine(this.#socket, message);
  }

  /** The task is under way; a control that is started later is told so too. */
  isReady(): void {
    this.#ready = true;
    this.#send({ kind: "ready" });
  }

  tell(message: Extract<ToControl, { kind: "beat" | "ended" }>): void {
    this.#send(message);
  }

  /** Send an alert; resolves when another may be sent. */
  alert(alert: Alert): Promise<void> {
    const message = { kind: "alert", number: ++this.#number, alert } as const;
    this.#untaken.push(message);
    this.#send(message);
    if (this.#untaken.length < UNTAKEN_MAX) return Promise.resolve();
    if (this.#socket) return new Promise((resolve) => this.#room.push(resolve));
    this.#untaken.shift();
    this.dropped++;
    return Promise.resolve();
  }

  /** Wait until control has all alerts, for so long; then hang up. */
  async close(patienceMs: number): Promise<void> {
    const until = performance.now() + patienceMs;
    // biome-ignore lint/performance/noAwaitInLoops: it is looked at again after a while.
    while (this.#untaken.length > 0 && performance.now() < until) await Bun.sleep(20);
    this.#closed = true;
    const socket = this.#socket;
    if (!socket) return;
    const gone = new Promise((resolve) => socket.once("close", resolve));
    socket.end();
    await Promise.race([gone, Bun.sleep(500)]);
    socket.destroy();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#socket?.destroy();
  }
}

/** The alert has been made text before, when it left its Worker. */
const textOf = ({ kind, number, alert }: Extract<ToControl, { kind: "alert" }>): string =>
  `{"kind":"${kind}","number":${number},"alert":${alertJson(alert)}}`;
