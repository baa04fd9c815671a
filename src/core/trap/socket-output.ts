// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import { libc } from "../net/libc.ts";
import { paceListener } from "../net/pace.ts";
import { POLLIN, type Task } from "../net/poller.ts";
import { accept, type Listener, listenTcp, listenUnix } from "../net/sockets.ts";
import { type ByteStream, SocketStream } from "../net/stream.ts";
import { TlsContext } from "../net/tls.ts";
import type { OutputPort } from "../port.ts";
import { sameLayout, type Template } from "../unirec/template.ts";
import { Client } from "./client.ts";
import { encodeHello } from "./hello.ts";
import type { OutputStats, TrapEnvironment, TrapOutput } from "./interface.ts";
import { END_BYTES, type Outgoing, OutgoingPool } from "./outgoing.ts";
import { socketPath } from "./socket-input.ts";
import type { SocketOutputSpec, Timeout } from "./specifier.ts";

/** Connections accepted before the loop looks at its other tasks. */
const ACCEPTS_MAX = 16;
/** Milliseconds that a client has to take what was promised before the layout changes under it. */
const CHANGE_MS = 1000;
/** Milliseconds in which clients that were sent away on a change are expected back. */
const RETURN_MS = 100;

/**
 * Sends to all clients of a unix, TCP or TLS socket. Each container is encoded once; each client has a queue of
 * its own of at most `buffer_count`, so that one that does not read costs the others nothing unless the output
 * waits for it (trap.md section 4.2).
 */
export class SocketOutput implements TrapOutput, Task {
  readonly fd: number;
  events = POLLIN;
  due = Number.POSITIVE_INFINITY;
  readonly stage = "outlet";
  endsStream = true;
  patientUntil = 0;
  readonly #spec: SocketOutputSpec;
  readonly #env: TrapEnvironment;
  readonly #timeout: Timeout;
  readonly #listener: Listener;
  readonly #tls: TlsContext | undefined;
  readonly #pool: OutgoingPool;
  readonly #clients: Client[] = [];
  readonly #autoflush: Autoflush;
  #layout: Template | undefined;
  #sequence = 0;
  #buffers = 0;
  #tooLong = 0;
  #unheard = 0;
  /** What clients that have gone did not get. */
  #skippedByGone = 0;
  #closed = false;

  /**
   * @param timeout what the module wants, where the specifier does not say
   * @throws {NemeanError} ERR_SOCKET when it cannot listen there
   */
  constructor(spec: SocketOutputSpec, timeout: Timeout, env: TrapEnvironment) {
    this.#spec = spec;
    this.#env = env;
    this.#timeout = spec.timeout ?? timeout;
    this.#pool = new OutgoingPool(spec.bufferSize);
    if (spec.type === "u") {
      const access = { mode: spec.mode, group: spec.group ?? env.socketGroup };
      const path = socketPath(env.socketFolder, spec.name);
      this.#listener = listenUnix(path, spec.maxClients, access);
    } else {
      if (spec.tls) this.#tls = TlsContext.server(spec.tls);
      this.#listener = listenTcp(spec.host, spec.port, spec.maxClients);
    }
    this.fd = this.#listener.fd;
    this.#autoflush = new Autoflush(spec.autoflush);
    env.poller.add(this);
    env.poller.add(this.#autoflush);
  }

  get stats(): OutputStats {
    const clients = this.#clients.map((client) => client.stats);
    const skipped = clients.reduce((sum, { skippedMessages }) => sum + skippedMessages, 0);
    return {
      type: this.#spec.type,
      id: this.#spec.type === "u" ? this.#spec.name : String(this.#listener.port),
      messages: this.#sequence,
      buffers: this.#buffers,
      autoflushes: this.#autoflush.count,
      dropped: this.#tooLong + this.#skippedByGone + skipped,
      unheard: this.#unheard,
      clients,
      clientCount: clients.length,
    };
  }

  attach(port: OutputPort): void {
    if (!this.#spec.buffer) port.eager = true;
    this.#autoflush.port = port;
    port.link(this);
  }

  get drained(): boolean {
    return this.#clients.every(({ drained }) => drained);
  }

  /** Accept who is waiting. */
  run(events: number): void {
    for (let i = 0; i < ACCEPTS_MAX; i++) {
      const accepted = accept(this.#listener);
      paceListener(this, events, i > 0 || accepted !== undefined);
      if (!accepted) return;
      const { fd, peer } = accepted;
      if (this.#clients.length >= this.#spec.maxClients) {
        libc().close(fd);
        this.#env.log("notice", `${this.#spec.text}: ${peer.text} refused, max_clients are there`);
        continue;
      }
      const stream: ByteStream = this.#tls ? this.#tls.wrap(fd) : new SocketStream(fd);
      this.#welcome(
        new Client(stream, peer, {
          pool: this.#pool,
          hello: encodeHello(this.#layout),
          onGone: (client) => this.#gone(client),
        }),
      );
    }
  }

  #welcome(client: Client): void {
    if (client.gone) return;
    this.#clients.push(client);
    this.#env.poller.add(client);
    this.#env.log("info", `${this.#spec.text}: ${client.peer.text} connected`);
    // It has been told to try again later.
    if (!this.#layout) client.leave(performance.now() + CHANGE_MS);
  }

  #gone(client: Client): void {
    const i = this.#clients.indexOf(client);
    if (i < 0) {
      // It went before it was let in, as one whose handshake failed at once.
      this.#tellGone(client);
      return;
    }
    this.#clients.splice(i, 1);
    this.#skippedByGone += client.stats.skippedMessages;
    this.#env.poller.remove(client);
    this.#tellGone(client);
  }

  #tellGone({ failure, peer }: Client): void {
    if (failure === undefined) this.#env.log("info", `${this.#spec.text}: ${peer.text} left`);
    else this.#env.log("notice", `${this.#spec.text}: ${peer.text} lost: ${failure}`);
  }

  /** A new layout: who is there gets what is left of the old, is sent away, and comes back to a new hello. */
  announce(layout: Template): void {
    const former = this.#layout;
    this.#layout = layout;
    if (!former || sameLayout(former, layout)) return;
    const patient = this.#timeout === "WAIT" || this.#timeout === "HALF_WAIT";
    const until = patient ? Number.POSITIVE_INFINITY : performance.now() + CHANGE_MS;
    const all = this.#clients.filter(({ leaving }) => !leaving);
    for (const client of all) client.leave(until);
    if (patient) this.#turnUntil(() => all.every(({ gone }) => gone), until);
    const expected = all.filter(({ gone }) => gone).length;
    const back = performance.now() + RETURN_MS;
    this.#turnUntil(() => this.#readers().length >= expected, back);
  }

  receive(batch: Batch): void {
    this.#send(batch, false);
  }

  advance(): void {
    // Event time does not travel over TRAP.
  }

  end(): void {
    for (const client of [...this.#clients]) client.leave(Number.POSITIVE_INFINITY);
  }

  finish(batch: Batch): void {
    this.#send(batch, this.endsStream);
    this.end();
  }

  /** Send a batch as one container, or as several where the specifier wants them smaller. */
  #send(batch: Batch, last: boolean): void {
    if (!this.#canSend(batch.count + (last ? 1 : 0))) return;
    let container = this.#fill(batch);
    if (last && container.count > 0 && (!this.#spec.buffer || !container.fits(END_BYTES))) {
      this.#dispatch(container);
      container = this.#pool.take();
    }
    if (last) container.appendEnd();
    // The end is no reason to lose what came before it: it is one container more than the bound.
    this.#dispatch(container, last ? this.#spec.bufferCount + 1 : this.#spec.bufferCount);
  }

  #sent(count: number): void {
    this.#sequence += count;
    this.#buffers++;
    this.#autoflush.sent();
  }

  /** The container of a batch; where it takes several, all but the last one are sent. */
  #fill(batch: Batch): Outgoing {
    let container = this.#pool.take();
    const { buffer } = this.#spec;
    if ((buffer || batch.count === 1) && container.fits(batch.length)) {
      container.append(batch, batch.start, batch.length, batch.count);
      return container;
    }
    const end = batch.start + batch.length;
    for (let at = batch.start; at < end; ) {
      const length = 2 + batch.view.getUint16(at);
      if (container.count > 0 && !(buffer && container.fits(length))) {
        this.#dispatch(container);
        container = this.#pool.take();
      }
      if (container.fits(length)) container.append(batch, at, length, 1);
      else this.#tooLong++;
      at += length;
    }
    return container;
  }

  /** Whether anybody is there to send to; waits for somebody where it should. */
  #canSend(count: number): boolean {
    if (count === 0) return false;
    if (this.#timeout === "WAIT")
      this.#turnUntil(() => this.#readers().length > 0, Number.POSITIVE_INFINITY);
    if (this.#readers().length > 0) return true;
    this.#unheard += count;
    this.#sequence += count;
    return false;
  }

  #readers(): Client[] {
    return this.#clients.filter(({ leaving }) => !leaving);
  }

  /** Number a container, unless it is empty, and give it to all clients; the caller's hold on it ends. */
  #dispatch(container: Outgoing, bound = this.#spec.bufferCount): void {
    if (container.count > 0) {
      container.seal(this.#sequence);
      this.#sent(container.count);
      this.#makeRoom(bound);
      for (const client of this.#readers()) client.offer(container);
    }
    this.#pool.release(container);
  }

  /** See that each client's queue has room: by waiting, or at the cost of its oldest. */
  #makeRoom(bound: number): void {
    const full = (): boolean =>
      this.#clients.some(({ leaving, waiting }) => !leaving && waiting >= bound);
    if (!full()) return;
    const until =
      this.#timeout === "WAIT" || this.#timeout === "HALF_WAIT"
        ? Number.POSITIVE_INFINITY
        : this.#timeout === "NO_WAIT"
          ? 0
          : performance.now() + this.#timeout / 1000;
    if (Math.max(until, this.patientUntil) > 0)
      this.#turnUntil(() => !full(), Math.max(until, this.patientUntil));
    for (const client of this.#clients) if (client.waiting >= bound) client.skip();
  }

  /** Let clients come and take until `done`, `until` or the end of the process. */
  #turnUntil(done: () => boolean, until: number): void {
    const { poller } = this.#env;
    while (!done() && !this.#closed) {
      if (poller.stopped && performance.now() >= this.patientUntil) return;
      const left = until - performance.now();
      if (left <= 0) return;
      poller.turn(left, "outlet");
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const client of [...this.#clients]) client.close();
    this.#env.poller.remove(this);
    this.#env.poller.remove(this.#autoflush);
    this.#listener.close();
    this.#tls?.close();
  }
}

/** Sends a part-filled batch when nothing went out for long. */
class Autoflush implements Task {
  readonly fd = -1;
  readonly events = 0;
  due: number;
  /** It delivers records, so it must not run while the output waits in the middle of a delivery. */
  readonly stage = "intake";
  port: OutputPort | undefined;
  count = 0;
  readonly #period: number;
  #last = performance.now();

  /** @param micros microseconds; Infinity for never */
  constructor(micros: number) {
    this.#period = micros / 1000;
    this.due = this.#last + this.#period;
  }

  /** A container went out. */
  sent(): void {
    this.#last = performance.now();
  }

  run(): void {
    const now = performance.now();
    // Half the time: a record that comes right after a look waits no longer than the autoflush time.
    this.due = now + this.#period / 2;
    if (!this.port?.pending || now - this.#last < this.#period / 2) return;
    this.port.flush();
    this.count++;
  }
}
