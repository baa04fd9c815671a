// SPDX-License-Identifier: BSD-3-Clause
import { Batch } from "../batch.ts";
import type { Task } from "../net/poller.ts";
import type { Receiver } from "../port.ts";
import { messages } from "../unirec/template.ts";
import type { InputStats, TrapEnvironment, TrapInput } from "./interface.ts";

/**
 * The same raw message for ever, as fast as it is taken: for measuring (trap.md section 8). The original's sends
 * memory that is not its own.
 */
export class Generator implements TrapInput, Task {
  readonly fd = -1;
  readonly events = 0;
  readonly due = 0;
  readonly stage = "intake";
  ended = false;
  readonly failure = undefined;
  readonly #receiver: Receiver;
  readonly #env: TrapEnvironment;
  readonly #batch = new Batch();
  #buffers = 0;

  constructor(message: string, receiver: Receiver, env: TrapEnvironment) {
    this.#receiver = receiver;
    this.#env = env;
    const bytes = new TextEncoder().encode(message);
    while (this.#batch.fits(bytes.length))
      this.#batch.bytes.set(bytes, this.#batch.push(bytes.length));
    env.poller.add(this);
  }

  get stats(): InputStats {
    return {
      type: "g",
      id: "none",
      connected: true,
      messages: this.#buffers * this.#batch.count,
      buffers: this.#buffers,
      missed: 0,
      malformed: 0,
      reconnects: 0,
    };
  }

  run(): void {
    if (this.#buffers === 0) this.#receiver.announce?.(messages("raw"));
    this.#buffers++;
    this.#receiver.receive(this.#batch);
  }

  [Symbol.dispose](): void {
    this.#env.poller.remove(this);
  }
}
