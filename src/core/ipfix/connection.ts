// SPDX-License-Identifier: BSD-3-Clause
import type { Log } from "../log.ts";
import { Dial } from "../net/dial.ts";
import { POLLIN, POLLOUT, type Poller, type Task } from "../net/poller.ts";
import { connect, connectDatagram, resolve } from "../net/sockets.ts";
import { AGAIN, BROKEN, type ByteStream, SocketStream } from "../net/stream.ts";
import { TlsContext } from "../net/tls.ts";
import type { Message } from "./message.ts";
import type { IpfixSpec } from "./specifier.ts";

/** Milliseconds before the collector is tried again: twice as long each time, up to the last. */
const RETRY_MS = { first: 1000, last: 30_000 } as const;
/** A collector says nothing: what it says is thrown away. */
const trash = new Uint8Array(new ArrayBuffer(4096));

/** What a connection takes its messages from. */
export interface Source {
  /** A session begins: its first message has all templates. */
  begin(): void;
  /** The next message, which stays the next until it is {@link sent}; undefined when there is none. */
  next(): Message | undefined;
  sent(): void;
  /** The connection broke: the message that was begun cannot go on in another one. */
  broken(): void;
}

/** The transport session with a collector (RFC 7011 section 10): made, and made anew for as long as it takes. */
export class Connection implements Task {
  fd = -1;
  events = 0;
  due = 0;
  readonly stage = "outlet";
  /** Sessions after the first one. */
  reconnects = 0;
  readonly #spec: IpfixSpec;
  readonly #source: Source;
  readonly #poller: Poller;
  readonly #log: Log;
  readonly #tls: TlsContext | undefined;
  readonly #dial: Dial;
  #stream: ByteStream | undefined;
  #connecting = false;
  #sessions = 0;
  #retryMs: number = RETRY_MS.first;
  /** Bytes of the message that is going out that were taken. */
  #taken = 0;
  #told = "";

  /** @throws {NemeanError} for a key or certificate that cannot be used */
  constructor(spec: IpfixSpec, source: Source, { poller, log }: { poller: Poller; log: Log }) {
    this.#spec = spec;
    this.#source = source;
    this.#poller = poller;
    this.#log = log;
    this.#tls = spec.tls && TlsContext.client(spec.tls);
    this.#dial = new Dial(
      () => resolve(spec.host, spec.port),
      spec.transport === "udp" ? connectDatagram : connect,
    );
    poller.add(this);
  }

  get connected(): boolean {
    return this.#stream !== undefined;
  }

  run(events: number): void {
    if (this.#connecting) this.#connected();
    else if (!this.#stream) this.#connect();
    else {
      if ((events & ~POLLOUT) !== 0 && !this.#listen()) return;
      this.push();
    }
  }

  #connect(): void {
    const attempt = this.#dial.next();
    if ("failure" in attempt) {
      this.#refused(attempt);
      return;
    }
    this.fd = attempt.fd;
    this.#connecting = true;
    this.events = POLLOUT;
    this.due = Number.POSITIVE_INFINITY;
  }

  #connected(): void {
    this.#connecting = false;
    const attempt = this.#dial.result(this.fd);
    if ("failure" in attempt) {
      this.#refused(attempt);
      return;
    }
    this.#stream = this.#tls ? this.#tls.wrap(this.fd) : new SocketStream(this.fd);
    this.#told = "";
    this.#taken = 0;
    if (this.#sessions++ > 0) this.reconnects++;
    this.#log("info", `${this.#spec.text}: connected`);
    this.#source.begin();
    this.push();
  }

  /** The next address of the same host, or the first again after a while. */
  #refused({ failure, again }: { failure: string; again: boolean }): void {
    this.fd = -1;
    this.events = 0;
    if (again) this.due = 0;
    else this.#retry(failure);
  }

  #retry(why: string): void {
    this.due = performance.now() + this.#retryMs;
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS.last);
    if (why === this.#told) return;
    this.#told = why;
    this.#log(
      "warning",
      `${this.#spec.text}: no collector yet: ${why}; trying again until there is one`,
    );
  }

  /** Send what waits, as far as the connection takes it. */
  push(): void {
    const stream = this.#stream;
    if (!stream) return;
    this.events = POLLIN;
    for (let message = this.#source.next(); message; message = this.#source.next()) {
      let written = stream.write(message.bytes, this.#taken, message.length);
      // Over UDP an error is of a message before: that nobody listened. This one may find somebody.
      if (written === BROKEN && this.#spec.transport === "udp")
        written = stream.write(message.bytes, this.#taken, message.length);
      if (written === AGAIN) {
        this.events |= stream.wants;
        return;
      }
      if (written < 0) {
        this.#lost(stream.failure ?? "the connection broke");
        return;
      }
      this.#taken += written;
      if (this.#taken < message.length) continue;
      this.#taken = 0;
      this.#retryMs = RETRY_MS.first;
      this.#source.sent();
    }
  }

  /** See whether the collector is still there. Over UDP it may say that nobody listens, and may listen later. */
  #listen(): boolean {
    const stream = this.#stream!;
    const read = stream.read(trash, 0, trash.length);
    if (read > 0 || read === AGAIN || this.#spec.transport === "udp") return true;
    this.#lost(stream.failure ?? "the collector closed the connection");
    return false;
  }

  #lost(why: string): void {
    this.#close();
    this.#source.broken();
    this.#retry(why);
  }

  #close(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.fd = -1;
    this.events = 0;
    this.due = Number.POSITIVE_INFINITY;
  }

  close(): void {
    this.#close();
    this.#tls?.close();
    this.#poller.remove(this);
  }
}
