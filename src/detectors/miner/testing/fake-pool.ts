// SPDX-License-Identifier: BSD-3-Clause
/** Servers that answer whatever they are asked, in a Worker of their own: who asks them may block. @module */
import { parentPort, Worker, workerData } from "node:worker_threads";

export const STRATUM = '{"id":1,"result":[[["mining.notify","ae68"]],"08000002",4],"error":null}\n';
export const GREETING = "220 hello\n";

export interface FakeServer {
  readonly host?: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly answer: string;
}

/** Start servers; their ports, and how to end them. Throws when a port is taken. */
export async function fakeServers(servers: readonly FakeServer[]) {
  const worker = new Worker(new URL(import.meta.url), { workerData: servers });
  const message = await new Promise<{ ports?: number[]; failure?: string }>((done) => {
    worker.once("message", done);
  });
  if (message.failure !== undefined) {
    worker.terminate();
    throw new Error(message.failure);
  }
  return { ports: message.ports!, close: () => void worker.terminate() };
}

if (parentPort && Array.isArray(workerData)) serve(workerData as FakeServer[]);

function serve(servers: readonly FakeServer[]): void {
  try {
    const ports = servers.map(({ host = "127.0.0.1", port, answer }) => {
      const socket = { data: (peer: { end(text: string): void }) => peer.end(answer) };
      return Bun.listen({ hostname: host, port, socket }).port;
    });
    parentPort!.postMessage({ ports });
  } catch (error) {
    parentPort!.postMessage({ failure: String(error) });
  }
}
