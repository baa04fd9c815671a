// SPDX-License-Identifier: BSD-3-Clause
import type { Batch } from "../core/batch.ts";
import { EXIT, NemeanError } from "../core/errors.ts";
import type { IntakeTarget } from "../core/flow/intake.ts";
import type { Merge, RestingReceiver } from "../core/merge.ts";
import { sameLayout, type Template } from "../core/unirec/template.ts";

/** An input of a merge that takes one layout: the merge's. */
export class MergeTarget implements IntakeTarget {
  readonly template: Template;
  readonly followsTime = true;
  readonly #input: RestingReceiver;
  readonly #sender: string;

  /** @param sender as errors call it */
  constructor(merge: Merge, sender: string) {
    this.#input = merge.input();
    this.template = merge.flows.template;
    this.#sender = sender;
  }

  announce(layout: Template): void {
    if (sameLayout(layout, this.template)) return;
    throw new NemeanError(
      "ERR_TEMPLATE",
      EXIT.data,
      `${this.#sender} sends ${layout.spec}, expected ${this.template.spec}`,
    );
  }

  receive(batch: Batch): void {
    this.#input.receive(batch);
  }

  /** As a merge's input does. */
  rest(): void {
    this.#input.rest();
  }

  advance(watermark: number): void {
    this.#input.advance(watermark);
  }

  end(): void {
    this.#input.end();
  }
}
