// SPDX-License-Identifier: BSD-3-Clause
import type { Exporter } from "../../core/ipfix/collect/message-head.ts";
import type { Poller, Task } from "../../core/net/poller.ts";
import { POLLIN } from "../../core/net/poller.ts";
import { accept, type Listener, listenTcp } from "../../core/net/sockets.ts";
import { AGAIN, BROKEN, type ByteStream, SocketStream } from "../../core/net/stream.ts";
import { TlsContext } from "../../core/net/tls.ts";
import { parseIp } from "../../core/unirec/ip.ts";
import type { Input, MessageHandler } from "./input.ts";
import type { ListenSpec } from "./listen.ts";
import { MessageSplitter } from "./message-splitter.ts";

const BACKLOG = 64;
const BUFFER_BYTES = 1 << 18;
/** Buffers that one connection fills before others have their turn. */
const READS_MAX = 4;
/** Milliseconds in which a new connection has to send its first message. */
const FIRST_MS = 60_000;
const PORT = /:\d+$/;
const BRACKETS = /[[\]]/g;
const NOBODY = parseIp("::")!;

export interface StreamOptions {
  readonly poller: Poller;
  readonly onMessage: MessageHandler;
  /** An exporter's connection has ended, and with it its templates (RFC 7011 section 8.4). */
  readonly onEnd: (exporter: Exporter) => void;
  readonly warn: (message: string) => void;
  /** Connections at once; who comes then is turned away. */
  readonly connectionsMax: number;
}

/** Messages that come by TCP, or TLS with a certificate on both sides. */
export class StreamListener implements Input, Task {
  readonly text: string;
  readonly stage = "intake";
  readonly events = POLLIN;
  due = Number.POSITIVE_INFINITY;
  readonly fd: number;
  readonly port: number;
  readonly #listener: Listener;
  readonly #kind: string;
  readonly #tls: TlsContext | undefined;
  readonly #options: StreamOptions;
  readonly #connections = new Set<Connection>();
  readonly #buffer = new Uint8Array(new ArrayBuffer(BUFFER_BYTES));
  #accepted = 0;
  #refused = 0;
  #broken = 0;
  #bytes = 0;

  /** @throws {NemeanError} ERR_SOCKET, or what is wrong with a key or certificate */
  constructor(spec: Extract<ListenSpec, { host: string }>, options: StreamOptions) {
    this.text = spec.text;
    this.#kind = spec.kind;
    this.#options = options;
    this.#tls = spec.kind === "tls" ? TlsContext.server(spec.tls) : undefined;
    this.#listener = listenTcp(spec.host, spec.port, BACKLOG);
    this.fd = this.#listener.fd;
    this.port = this.#listener.port;
  }

  get counts(): Readonly<Record<string, number>> {
    return {
      bytes: this.#bytes,
      connections: this.#accepted,
      connections_refused: this.#refused,
      connections_broken: this.#broken,
    };
  }

  run(): void {
    for (let got = accept(this.#listener); got; got = accept(this.#listener)) {
      const stream = this.#tls?.wrap(got.fd) ?? new SocketStream(got.fd);
      if (this.#connections.size >= this.#options.connectionsMax) {
        this.#refused++;
        stream.close();
        continue;
      }
      this.#accepted++;
      const ip = parseIp(got.peer.text.replace(PORT, "").replaceAll(BRACKETS, "")) ?? NOBODY;
      const exporter = { name: `${this.#kind} ${got.peer.text}`, ip };
      const connection = new Connection(stream, exporter, this);
      this.#connections.add(connection);
      this.#options.poller.add(connection);
    }
  }

  /** Read into the buffer that all connections share: the bytes are valid until the next read. */
  read(stream: ByteStream): Uint8Array | number {
    const read = stream.read(this.#buffer, 0, BUFFER_BYTES);
    if (read <= 0) return read;
    this.#bytes += read;
    return this.#buffer.subarray(0, read);
  }

  take(message: DataView, exporter: Exporter): void {
    this.#options.onMessage(message, exporter, message.byteLength);
  }

  /** A connection has ended; `why` is missing where the exporter ended it between two messages. */
  ended(connection: Connection, why?: string): void {
    if (!this.#connections.delete(connection)) return;
    this.#options.poller.remove(connection);
    connection.close();
    this.#options.onEnd(connection.exporter);
    if (why === undefined) return;
    this.#broken++;
    this.#options.warn(`${connection.exporter.name}: ${why}; connection closed`);
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) this.ended(connection);
    this.#options.poller.remove(this);
    this.#listener.close();
    this.#tls?.close();
  }
}

/** One exporter's connection. */
class Connection implements Task {
  readonly exporter: Exporter;
  readonly stage = "intake";
  due: number;
  /** Until when it has to send its first message. */
  readonly #until = performance.now() + FIRST_MS;
  readonly fd: number;
  readonly #stream: ByteStream;
  readonly #listener: StreamListener;
  readonly #splitter: MessageSplitter;

  constructor(stream: ByteStream, exporter: Exporter, listener: StreamListener) {
    this.due = this.#until;
    this.#stream = stream;
    this.fd = stream.fd;
    this.exporter = exporter;
    this.#listener = listener;
    this.#splitter = new MessageSplitter((message) => listener.take(message, exporter));
  }

  get events(): number {
    return this.#stream.wants;
  }

  run(): void {
    for (let i = 0; i < READS_MAX; i++) {
      const got = this.#listener.read(this.#stream);
      if (typeof got === "number") {
        this.#stopped(got);
        return;
      }
      if (!this.#splitter.push(got)) {
        this.#listener.ended(this, "it sends something that is no IPFIX");
        return;
      }
    }
    // TLS may keep bytes where poll(2) does not see them.
    this.due = 0;
  }

  #stopped(read: number): void {
    if (read === BROKEN)
      this.#listener.ended(this, this.#stream.failure ?? "the exporter has gone");
    else if (read !== AGAIN)
      this.#listener.ended(
        this,
        this.#splitter.pending > 0 ? "it ends within a message" : undefined,
      );
    else if (this.#splitter.messages > 0) this.due = Number.POSITIVE_INFINITY;
    else if (performance.now() < this.#until) this.due = this.#until;
    else this.#listener.ended(this, "it sends nothing");
  }

  close(): void {
    this.#stream.close();
  }
}
