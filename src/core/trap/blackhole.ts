// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../batch.ts";
import type { OutputPort } from "../port.ts";
import type { OutputStats, TrapOutput } from "./interface.ts";

/** Takes everything, counts it, and throws it away (trap.md section 8). */
export class Blackhole implements TrapOutput {
  endsStream = true;
  patientUntil = 0;
  readonly drained = true;
  #messages = 0;
  #buffers = 0;

  get stats(): OutputStats {
    return {
      type: "b",
      id: "none",
      messages: this.#messages,
      buffers: this.#buffers,
      autoflushes: 0,
      dropped: 0,
      unheard: 0,
      clients: [],
      clientCount: 1,
    };
  }

  attach(port: OutputPort): void {
    port.link(this);
  }

  receive({ count }: Batch): void {
    this.#messages += count;
    this.#buffers++;
  }

  advance(): void {
    // Nobody to tell.
  }

  end(): void {
    // Nobody to tell.
  }

  close(): void {
    // Nothing is held.
  }
}
