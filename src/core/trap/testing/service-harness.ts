// SPDX-License-Identifier: BSD-3-Clause
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Poller, type Task } from "../../net/poller.ts";
import type { OutputStats, TrapEnvironment } from "../interface.ts";
import { openService, type ServiceSocket } from "../service.ts";
import { GET_REQUEST, replyText, ServiceClient } from "./service-client.ts";

const PATIENCE_NS = 20_000_000_000;

/** A service socket in a folder of its own, its loop turned by the test, and those who ask it. */
export class ServiceHarness implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "nemean-service-"));
  readonly poller = new Poller();
  readonly warnings: string[] = [];
  readonly clients: ServiceClient[] = [];
  /** What is told of the outputs. */
  outputs: OutputStats[] = [];
  /** How often the counters were read. */
  asked = 0;
  service: ServiceSocket;

  constructor() {
    this.service = this.open();
  }

  open(more: Partial<TrapEnvironment> = {}): ServiceSocket {
    const inputs = () => {
      this.asked++;
      return [];
    };
    return openService(
      { inputs, outputs: () => this.outputs },
      {
        poller: this.poller,
        log: (level, message) => this.warnings.push(`${level}: ${message}`),
        socketFolder: this.folder,
        ...more,
      },
    );
  }

  dial(path = this.service.path): ServiceClient {
    const client = new ServiceClient(path);
    this.clients.push(client);
    return client;
  }

  /** Turn the loop until something holds; the real clock bounds it, as a test may hold that of the loop. */
  turnUntil(holds: () => boolean, stage?: Task["stage"]): void {
    const end = Bun.nanoseconds() + PATIENCE_NS;
    while (!holds()) {
      if (Bun.nanoseconds() > end) throw new Error("what was waited for did not come");
      this.poller.turn(5, stage);
    }
  }

  /** Turn until there is nothing to do at once. */
  settle(): void {
    const end = Bun.nanoseconds() + PATIENCE_NS;
    while (this.poller.turn(0) > 0) {
      if (Bun.nanoseconds() > end) throw new Error("the loop does not come to rest");
    }
  }

  /** The next reply to a client. */
  replyTo(client: ServiceClient): Uint8Array {
    let reply = client.take();
    this.turnUntil(() => {
      reply ??= client.take();
      return reply !== undefined || client.closed;
    });
    if (!reply) throw new Error("closed without a reply");
    return reply;
  }

  /** Whether a client is still served. */
  answers(client: ServiceClient): boolean {
    return replyText(this.replyTo(client.send(GET_REQUEST))).startsWith('{"in_cnt":0');
  }

  /** Wait until the service has hung up on a client. */
  seesClosed(client: ServiceClient): void {
    this.turnUntil(() => {
      client.receive();
      return client.closed;
    });
  }

  [Symbol.dispose](): void {
    for (const client of this.clients) client.close();
    this.service.close();
    rmSync(this.folder, { recursive: true });
  }
}
