// SPDX-License-Identifier: BSD-3-Clause
import { type AddressInfo, createServer, type Server } from "node:net";

/** An alert as it came. */
export interface Arrival {
  readonly number: number;
  readonly id: string;
  readonly update: number;
}

/** The id that an alert has in every run: of the form of version 7, and told by its number. */
export const idOf = (n: number): string =>
  `019b8d62-7a80-7000-8000-${n.toString(16).padStart(12, "0")}`;

/** A syslog server over TCP (octet counting, RFC 6587) that can be absent: its port stays the same. */
export class SyslogServer implements AsyncDisposable {
  /** What came, by connection. A message that was cut off is none. */
  readonly connections: Arrival[][] = [];
  port = 0;
  #server: Server | undefined;

  /** Take a port and leave it: who connects is refused. */
  static async absent(): Promise<SyslogServer> {
    const server = new SyslogServer();
    await server.start();
    await server.stop();
    return server;
  }

  get received(): number {
    return this.connections.reduce((sum, { length }) => sum + length, 0);
  }

  async start(): Promise<void> {
    const server = createServer((socket) => {
      const arrivals: Arrival[] = [];
      this.connections.push(arrivals);
      let rest: Buffer = Buffer.alloc(0);
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Buffer) => {
        rest = take(rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk, arrivals);
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const NUMBER = /"observed":(\d+)/;
const ID = /"id":"([^"]+)"/;
const UPDATE = /"update":(\d+)/;

/** Read whole messages; returns the bytes of one that is not. */
function take(bytes: Buffer, arrivals: Arrival[]): Buffer {
  let at = 0;
  for (;;) {
    const space = bytes.indexOf(0x20, at);
    const end = space + 1 + Number(bytes.toString("latin1", at, Math.max(space, at)));
    if (space < 0 || end > bytes.length) return bytes.subarray(at);
    const text = bytes.toString("utf8", space + 1, end);
    const [number, id, update] = [NUMBER, ID, UPDATE].map((field) => field.exec(text)?.[1]);
    arrivals.push({ number: Number(number), id: id!, update: Number(update) });
    at = end;
  }
}
