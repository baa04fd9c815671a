// SPDX-License-Identifier: BSD-3-Clause
import { join } from "node:path";
import { EXIT, NemeanError } from "../errors.ts";
import { Dial } from "../net/dial.ts";
import { POLLIN, POLLOUT, type Task } from "../net/poller.ts";
import { connect, resolve, type SocketAddress, unixAddress } from "../net/sockets.ts";
import { AGAIN, BROKEN, type ByteStream, SocketStream } from "../net/stream.ts";
import { TlsContext } from "../net/tls.ts";
import type { Receiver } from "../port.ts";
import type { InputStats, TrapEnvironment, TrapInput } from "./interface.ts";
import { Session } from "./session.ts";
import type { InputSpec } from "./specifier.ts";

export type SocketInputSpec = Extract<InputSpec, { type: "u" | "t" | "T" }>;

/** Path of the unix socket called `name`. */
export const socketPath = (folder: string, name: string): string =>
  join(folder, `trap-${name}.sock`);

/** Milliseconds before a sender that was not there, or made no sense, is tried again (trap.md section 3). */
const RETRY_MS = 1000;
/** The same for a unix socket that nobody listens on: looking costs nothing. */
const RETRY_UNIX_MS = 200;
/** Reads in a row before the loop looks at its other tasks. */
const READS_MAX = 4;

/** Receives from a unix, TCP or TLS socket: connects, and connects anew for as long as it takes. */
export class SocketInput implements TrapInput, Task {
  fd = -1;
  events = 0;
  due = 0;
  readonly stage = "intake";
  ended = false;
  failure: Error | undefined;
  readonly #spec: SocketInputSpec;
  readonly #receiver: Receiver;
  readonly #env: TrapEnvironment;
  readonly #session: Session;
  readonly #tls: TlsContext | undefined;
  readonly #dial = new Dial(() => this.#lookUp(), connect);
  #peer = "";
  #stream: ByteStream | undefined;
  #connecting = false;
  #reconnects = 0;
  /** What was said last of a sender that is not there. */
  #told = "";

  /** @throws {NemeanError} when the specifier cannot work: a path that is too long, a key that cannot be read */
  constructor(spec: SocketInputSpec, receiver: Receiver, env: TrapEnvironment) {
    this.#spec = spec;
    this.#receiver = receiver;
    this.#env = env;
    this.#session = new Session(receiver, spec.containerMax);
    if (spec.type === "u") unixAddress(socketPath(env.socketFolder, spec.name));
    else if (spec.tls) this.#tls = TlsContext.client(spec.tls);
    env.poller.add(this);
  }

  get stats(): InputStats {
    const { type } = this.#spec;
    return {
      type,
      id: this.#spec.type === "u" ? this.#spec.name : this.#spec.port,
      connected: this.#session.greeted,
      messages: this.#session.messages,
      buffers: this.#session.buffers,
      missed: this.#session.missed,
      malformed: this.#session.malformed,
      reconnects: this.#reconnects,
    };
  }

  run(): void {
    if (!this.#stream && !this.#connecting) this.#connect();
    else if (this.#connecting) this.#connected();
    else this.#read();
  }

  #connect(): void {
    const attempt = this.#dial.next();
    this.#peer = this.#dial.peer;
    if ("failure" in attempt) {
      this.#refused(attempt);
      return;
    }
    this.fd = attempt.fd;
    this.#connecting = true;
    this.events = POLLOUT;
    this.due = Number.POSITIVE_INFINITY;
  }

  #lookUp(): SocketAddress[] {
    const spec = this.#spec;
    if (spec.type !== "u") return resolve(spec.host, spec.port);
    return [unixAddress(socketPath(this.#env.socketFolder, spec.name))];
  }

  #connected(): void {
    this.#connecting = false;
    const attempt = this.#dial.result(this.fd);
    if ("failure" in attempt) {
      this.#refused(attempt);
      return;
    }
    this.#stream = this.#tls ? this.#tls.wrap(this.fd) : new SocketStream(this.fd);
    this.#session.begin();
    this.events = POLLIN;
    this.#read();
  }

  /** The next address of the same host, or the first again after a while. */
  #refused({ failure, again }: { failure: string; again: boolean }): void {
    this.fd = -1;
    this.events = 0;
    if (again) this.due = 0;
    else this.#retry(failure, this.#spec.type === "u" ? RETRY_UNIX_MS : RETRY_MS);
  }

  #retry(why: string, afterMs = RETRY_MS): void {
    this.due = performance.now() + afterMs;
    if (why === this.#told) return;
    this.#told = why;
    this.#env.log(
      "notice",
      `${this.#spec.text}: no sender yet: ${why}; trying again until there is one`,
    );
  }

  #read(): void {
    const stream = this.#stream!;
    for (let i = 0; i < READS_MAX; i++) {
      const read = this.#session.read(stream);
      if (read === AGAIN) {
        this.events = stream.wants;
        this.due = Number.POSITIVE_INFINITY;
        return;
      }
      if (read <= 0) {
        this.#lost(read === BROKEN ? (stream.failure ?? "the connection broke") : "it closed");
        return;
      }
      const { full } = this.#session;
      if (!this.#take()) return;
      // A socket that gave less than there was room for has no more; TLS may hold bytes that poll() cannot see.
      if (!full && !this.#tls) return;
    }
    this.due = this.#tls ? 0 : Number.POSITIVE_INFINITY;
  }

  /** Deliver what is whole; false when the connection is over. */
  #take(): boolean {
    const session = this.#session;
    const { greeted, malformed } = session;
    const state = session.take();
    if (!greeted && session.greeted) {
      this.#told = "";
      this.#env.log("info", `${this.#who()}: connected`);
    }
    if (session.malformed > malformed && malformed === 0 && state.kind !== "broken") {
      const what = "a message reaches beyond its container; what follows in it is left out";
      this.#env.log("warning", `${this.#who()}: ${what}`);
    }
    switch (state.kind) {
      case "open":
        return true;
      case "ended":
        this.#end();
        return false;
      case "later":
        this.#close();
        this.#retry("it does not know its format yet");
        return false;
      case "broken":
        // Nothing that follows can be made sense of.
        this.#close();
        this.#reconnects++;
        this.#retry(`${this.#peer}: ${state.why}`);
        return false;
      case "refused":
        this.failure = new NemeanError(
          "ERR_TEMPLATE",
          EXIT.data,
          `${this.#who()}: ${state.error.message}`,
          state.error,
        );
        this.#close();
        this.#leave();
        return false;
    }
  }

  /** The sender has gone without ending the stream: it is expected back, at once if it had anything to say. */
  #lost(why: string): void {
    const { greeted } = this.#session;
    this.#session.cut();
    this.#close();
    if (greeted) {
      this.#reconnects++;
      this.due = 0;
      this.#env.log("info", `${this.#who()}: lost: ${why}`);
    } else this.#retry(why);
  }

  #end(): void {
    this.ended = true;
    this.#close();
    this.#leave();
    this.#receiver.end();
  }

  #close(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#session.begin();
    this.fd = -1;
    this.events = 0;
  }

  #leave(): void {
    this.due = Number.POSITIVE_INFINITY;
    this.#env.poller.remove(this);
  }

  #who(): string {
    return `${this.#spec.text} (${this.#peer})`;
  }

  [Symbol.dispose](): void {
    if (this.#connecting) new SocketStream(this.fd).close();
    this.#connecting = false;
    this.#close();
    this.#leave();
    this.#tls?.close();
  }
}
