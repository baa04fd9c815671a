// SPDX-License-Identifier: BSD-3-Clause
import { Batch, RECORD_MAX } from "./batch.ts";
import type { Output } from "./module.ts";
import { type AnyReader, reader } from "./unirec/reader.ts";
import type { Template } from "./unirec/template.ts";

/** JSON on its way out of a module, gathered in batches. */
export class JsonMessages {
  readonly #out: Pick<Output<Template>, "forward">;
  readonly #batch = new Batch();
  readonly #cursor: AnyReader;
  readonly #encoder = new TextEncoder();

  constructor(out: Pick<Output<Template>, "forward">, layout: Template) {
    this.#out = out;
    this.#cursor = reader(layout);
  }

  /** Send one; false, and nothing sent, when its text is longer than a record may be. */
  send(value: object): boolean {
    const text = this.#encoder.encode(JSON.stringify(value));
    if (text.length > RECORD_MAX) return false;
    if (!this.#batch.fits(text.length)) this.flush();
    this.#batch.bytes.set(text, this.#batch.push(text.length));
    return true;
  }

  /** Hand on what there is. */
  flush(): void {
    if (this.#batch.count === 0) return;
    this.#cursor.reset(this.#batch);
    this.#out.forward(this.#cursor);
    this.#batch.clear();
  }
}
