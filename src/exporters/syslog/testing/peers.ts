// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import type { TlsFiles } from "../../../core/net/tls.ts";

/** A server that keeps what it is sent, as long as it reads. */
export class Recorder implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #chunks: Buffer[] = [];
  /** Connections so far. */
  connections = 0;
  reads = true;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Listening, over TLS when there are options for it. */
  static async start(tls?: TlsOptions, port = 0): Promise<Recorder> {
    const server = tls ? createTlsServer(tls) : createServer();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const recorder = new Recorder(server);
    server.on(tls ? "secureConnection" : "connection", (socket) => recorder.#accept(socket));
    server.on("tlsClientError", () => undefined);
    return recorder;
  }

  #accept(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
    if (!this.reads) socket.pause();
  }

  /** All bytes so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Whole octet-counted messages so far, of one connection. */
  get messages(): string[] {
    const [messages, bytes] = [[] as string[], this.bytes];
    for (let at = 0; at < bytes.length; ) {
      const space = bytes.indexOf(" ", at);
      const length = Number(bytes.toString("latin1", at, space));
      if (space < 0 || space + 1 + length > bytes.length) break;
      messages.push(bytes.toString("utf8", space + 1, space + 1 + length));
      at = space + 1 + length;
    }
    return messages;
  }

  /** Until so many messages are here, or the time is up. */
  async received(count: number, patienceMs = 3000): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    while (this.messages.length < count && performance.now() < deadline) await Bun.sleep(5);
    return this.messages;
  }

  resume(): void {
    this.reads = true;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Break all connections: with a reset, or in good order. */
  hangUp(how: "reset" | "end"): void {
    for (const socket of this.#sockets) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.end();
    }
  }

  forget(): void {
    this.#chunks.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

export const serverFiles = ({ key, cert }: TlsFiles): TlsOptions => ({
  key: readFileSync(key),
  cert: readFileSync(cert),
});

/** The openssl program as a server: it speaks versions of TLS that libraries gave up. */
export class OpensslServer implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "ignore">;
  readonly #reader: { read(): Promise<{ value?: Uint8Array | undefined; done: boolean }> };
  port = 0;
  #text = "";

  private constructor(files: TlsFiles, words: readonly string[]) {
    const own = ["-key", files.key, "-cert", files.cert];
    this.#process = Bun.spawn(
      ["openssl", "s_server", "-accept", "127.0.0.1:0", "-naccept", "1", ...own, ...words],
      { stdin: "pipe", stdout: "pipe", stderr: "ignore" },
    );
    this.#reader = this.#process.stdout.getReader();
  }

  static async start(files: TlsFiles, ...words: string[]): Promise<OpensslServer> {
    const server = new OpensslServer(files, words);
    while (server.port === 0) {
      if (!(await server.#read())) throw new Error(`openssl s_server ${words.join(" ")} ended`);
      server.port = Number(/ACCEPT [^:]*:(\d+)/.exec(server.#text)?.[1] ?? 0);
    }
    return server;
  }

  async #read(): Promise<boolean> {
    const { value, done } = await this.#reader.read();
    if (value) this.#text += Buffer.from(value).toString();
    return !done;
  }

  /** All it printed, what it was sent among that, once its one connection is over. */
  async printed(): Promise<string> {
    while (await this.#read());
    return this.#text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    await this.#process.exited;
  }
}

/** Stands between both ends and keeps what the client says, as it is on the wire. */
export class Wiretap implements AsyncDisposable {
  readonly #server: Server;
  readonly #chunks: Buffer[] = [];
  readonly #sockets = new Set<Socket>();
  port = 0;

  private constructor(to: number) {
    this.#server = createServer((client) => {
      const server = connect(to, "127.0.0.1");
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
      }
      client.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
      client.pipe(server).pipe(client);
    });
  }

  static async start(to: number): Promise<Wiretap> {
    const tap = new Wiretap(to);
    await new Promise<void>((resolve) => tap.#server.listen(0, "127.0.0.1", resolve));
    tap.port = (tap.#server.address() as AddressInfo).port;
    return tap;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
