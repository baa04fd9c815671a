// SPDX-License-Identifier: BSD-3-Clause
/** Peers that speak bytes, for tests of TRAP's sockets: all in one thread, turned by one loop. @module */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch } from "../../batch.ts";
import type { Level } from "../../log.ts";
import { Poller, type Task } from "../../net/poller.ts";
import {
  accept,
  connect,
  type Listener,
  listenUnix,
  resolve,
  unixAddress,
} from "../../net/sockets.ts";
import { AGAIN, BROKEN, SocketStream } from "../../net/stream.ts";
import type { Receiver } from "../../port.ts";
import { type AnyReader, plainRecord, reader } from "../../unirec/reader.ts";
import { ANY_MESSAGES, type Template } from "../../unirec/template.ts";
import type { TrapEnvironment } from "../interface.ts";
import { socketPath } from "../socket-input.ts";

const PATIENCE_MS = 20_000;

/** A loop, a folder for its sockets, and what was said. */
export class Loop implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "nemean-trap-"));
  readonly said: { level: Level; message: string }[] = [];
  stopped = false;
  readonly poller = new Poller(() => this.stopped);
  readonly env: TrapEnvironment = {
    poller: this.poller,
    log: (level, message) => this.said.push({ level, message }),
    socketFolder: this.folder,
  };

  /** Turn until it holds; fails after a generous while. */
  until(holds: () => boolean): void {
    const end = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (performance.now() > end) throw new Error(`still not so: ${holds}`);
      this.poller.turn(20);
    }
  }

  /** Turn for a while in which nothing is to happen. */
  rest(ms: number): void {
    const end = performance.now() + ms;
    while (performance.now() < end) this.poller.turn(Math.max(1, end - performance.now()));
  }

  path(name: string): string {
    return socketPath(this.folder, name);
  }

  /** What was said as warnings. */
  get warnings(): string[] {
    return this.said.filter(({ level }) => level === "warning").map(({ message }) => message);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A sender that plays prepared bytes to each connection in turn, in pieces, and then closes it. */
export class RawSender implements Task {
  readonly fd: number;
  readonly events = 1;
  readonly due = Number.POSITIVE_INFINITY;
  readonly stage = "outlet";
  connections = 0;
  readonly #loop: Loop;
  readonly #listener: Listener;
  readonly #sessions: readonly (readonly Uint8Array[])[];
  readonly #keepOpen: boolean;

  /** A session a connection, each a list of pieces; connections beyond them are closed at once. */
  constructor(
    loop: Loop,
    name: string,
    sessions: readonly (readonly Uint8Array[])[],
    keepOpen = false,
  ) {
    this.#loop = loop;
    this.#sessions = sessions;
    this.#keepOpen = keepOpen;
    this.#listener = listenUnix(loop.path(name), 8, { mode: 0o600 });
    this.fd = this.#listener.fd;
    loop.poller.add(this);
  }

  run(): void {
    const accepted = accept(this.#listener);
    if (!accepted) return;
    const pieces = this.#sessions[this.connections++] ?? [];
    this.#loop.poller.add(new Playing(this.#loop, accepted.fd, pieces, this.#keepOpen));
  }

  close(): void {
    this.#loop.poller.remove(this);
    this.#listener.close();
  }
}

/** One connection of a {@link RawSender}: a piece a turn. */
class Playing implements Task {
  readonly fd: number;
  readonly events = 0;
  due = 0;
  readonly stage = "outlet";
  readonly #loop: Loop;
  readonly #stream: SocketStream;
  readonly #pieces: Uint8Array[];
  readonly #keepOpen: boolean;
  #sent = 0;

  constructor(loop: Loop, fd: number, pieces: readonly Uint8Array[], keepOpen: boolean) {
    this.#loop = loop;
    this.fd = fd;
    this.#stream = new SocketStream(fd);
    this.#pieces = [...pieces];
    this.#keepOpen = keepOpen;
  }

  run(): void {
    const piece = this.#pieces[0];
    if (piece) {
      const owned = new Uint8Array(new ArrayBuffer(piece.length));
      owned.set(piece);
      const written = piece.length === 0 ? 0 : this.#stream.write(owned, this.#sent, owned.length);
      if (written === AGAIN) return;
      this.#sent += Math.max(written, 0);
      if (written === BROKEN || this.#sent >= piece.length) {
        this.#pieces.shift();
        this.#sent = 0;
      }
      if (written !== BROKEN) return;
    }
    if (this.#keepOpen && !piece) {
      this.due = Number.POSITIVE_INFINITY;
      return;
    }
    this.#stream.close();
    this.#loop.poller.remove(this);
  }
}

/** A receiver of bytes: connects, keeps what comes. */
export class RawReceiver implements Task {
  readonly fd: number;
  events = 1;
  readonly due = Number.POSITIVE_INFINITY;
  readonly stage = "outlet";
  closed = false;
  readonly #stream: SocketStream;
  readonly #loop: Loop;
  readonly #chunks: Uint8Array[] = [];
  readonly #buffer = new Uint8Array(new ArrayBuffer(1 << 16));

  constructor(loop: Loop, address: { unix: string } | { port: number; host?: string }) {
    const fd = connect(
      "unix" in address
        ? unixAddress(loop.path(address.unix))
        : resolve(address.host ?? "127.0.0.1", String(address.port))[0]!,
    );
    if (fd < 0) throw new Error(`cannot connect: errno ${-fd}`);
    this.fd = fd;
    this.#loop = loop;
    this.#stream = new SocketStream(fd);
    loop.poller.add(this);
  }

  /** Whether it reads. */
  set reading(value: boolean) {
    this.events = value ? 1 : 0;
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  run(): void {
    const read = this.#stream.read(this.#buffer, 0, this.#buffer.length);
    if (read > 0) this.#chunks.push(this.#buffer.slice(0, read));
    else if (read !== AGAIN) this.close();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#stream.close();
    this.#loop.poller.remove(this);
  }
}

/** Keeps what an input delivers: records under each layout, messages as bytes, the end. */
export class Kept implements Receiver {
  readonly layouts: Template[] = [];
  readonly rows: Record<string, unknown>[] = [];
  readonly messages: Uint8Array[] = [];
  ends = 0;
  malformed = 0;
  #cursor: AnyReader = reader(ANY_MESSAGES);

  announce(layout: Template): void {
    this.malformed += this.#cursor.malformed;
    this.layouts.push(layout);
    this.#cursor = reader(layout) as AnyReader;
  }

  receive(batch: Batch): void {
    const { bytes, view, start, length } = batch;
    for (let at = start; at < start + length; at += 2 + view.getUint16(at))
      this.messages.push(bytes.slice(at + 2, at + 2 + view.getUint16(at)));
    this.#cursor.reset(batch);
    while (this.#cursor.next()) this.rows.push(plainRecord(this.#cursor, this.layouts.at(-1)!));
  }

  /** Records that their layout did not fit. */
  get misfits(): number {
    return this.malformed + this.#cursor.malformed;
  }

  advance(): void {
    // Event time is not what is tested.
  }

  end(): void {
    this.ends++;
  }
}

/** One container as it stands on a socket. */
export function container(messages: readonly Uint8Array[], sequence = 0): Uint8Array {
  const payload = Buffer.concat(messages.flatMap((message) => [be16(message.length), message]));
  const head = Buffer.alloc(14);
  head.writeUInt32BE(payload.length, 0);
  head.writeBigUInt64LE(BigInt(sequence), 4);
  head.writeUInt16LE(messages.length & 0xffff, 12);
  return Buffer.concat([head, payload]);
}

const be16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 255);
