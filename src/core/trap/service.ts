// SPDX-License-Identifier: BSD-3-Clause
/** The service interface, by which trap_stats and Supervisor watch a process (trap.md section 10). @module */
import { join } from "node:path";
import { paceListener } from "../net/pace.ts";
import { POLLIN, type Task } from "../net/poller.ts";
import { accept, type Listener, listenUnix } from "../net/sockets.ts";
import { SocketStream } from "../net/stream.ts";
import type { TrapEnvironment } from "./interface.ts";
import { ServiceConnection } from "./service-connection.ts";
import { type ServicePorts, statsText } from "./service-reply.ts";

/** Connections at a time. */
const CLIENTS_MAX = 64;
const SOCKET_MODE = 0o660;

export interface ServiceSocket {
  /** Where it listens: `trap-service_PID.sock` in the folder of the sockets. */
  readonly path: string;
  /** Hang up on all, stop listening and remove the path. A second time does nothing. */
  close(): void;
}

/**
 * Tell the counters of a process's interfaces to whoever asks on its service socket, in the turns of the poller,
 * also in those in which an output waits.
 * @throws {NemeanError} ERR_SOCKET when the path cannot be listened on: no such folder, a path that is too long,
 * or a process of the same number in another PID namespace that shares the folder
 */
export function openService(ports: ServicePorts, env: TrapEnvironment): ServiceSocket {
  const path = join(env.socketFolder, `trap-service_${process.pid}.sock`);
  const access = { mode: SOCKET_MODE, group: env.socketGroup };
  return new Service(listenUnix(path, CLIENTS_MAX, access), ports, env);
}

class Service implements ServiceSocket, Task {
  readonly path: string;
  readonly stage = "outlet";
  readonly fd: number;
  events = POLLIN;
  due = Number.POSITIVE_INFINITY;
  readonly #listener: Listener;
  readonly #answer: () => string;
  readonly #env: TrapEnvironment;
  readonly #clients = new Set<ServiceConnection>();
  #refuses = false;
  #open = true;

  constructor(listener: Listener, ports: ServicePorts, env: TrapEnvironment) {
    this.path = listener.text;
    this.fd = listener.fd;
    this.#listener = listener;
    this.#answer = () => statsText(ports);
    this.#env = env;
    env.poller.add(this);
  }

  /** One connection a turn: poll(2) tells of the next ones again. */
  run(events: number): void {
    const come = accept(this.#listener);
    if (come) this.#admit(come.fd);
    paceListener(this, events, come !== undefined);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#env.poller.remove(this);
    for (const client of this.#clients) this.#hangUp(client);
    this.#listener.close();
  }

  #admit(fd: number): void {
    if (this.#clients.size >= CLIENTS_MAX) {
      new SocketStream(fd).close();
      this.#refuse();
      return;
    }
    const client = new ServiceConnection(fd, this.#answer, (over) => this.#hangUp(over));
    this.#clients.add(client);
    this.#env.poller.add(client);
  }

  #hangUp(client: ServiceConnection): void {
    this.#env.poller.remove(client);
    this.#clients.delete(client);
    this.#refuses = false;
    client.close();
  }

  /** Said once, until there is room again. */
  #refuse(): void {
    if (this.#refuses) return;
    this.#refuses = true;
    this.#env.log("warning", `${this.path}: ${CLIENTS_MAX} connections, further ones are closed`);
  }
}
