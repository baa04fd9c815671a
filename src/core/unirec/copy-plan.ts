// SPDX-License-Identifier: BSD-3-Clause
import { fieldOf, type Template } from "./template.ts";
import { type CopyWords, type Run, wordCopy } from "./word-copy.ts";

/** What a template has in common with another one, as bytes to copy from records of that one. */
export class CopyPlan {
  /** The layout that is copied from. */
  readonly layout: Template | undefined;
  /** Copies the fixed fields into a fixed part: `copy(source, at, target)`. */
  readonly copy: CopyWords;
  /** Variable fields, each as descriptor's offset in the source, field index in the target. */
  readonly variable: Int32Array;

  constructor(layout: Template | undefined, target: Template) {
    const runs: Run[] = [];
    const variable: number[] = [];
    for (const [i, { name, type, size, offset }] of target.fields.entries()) {
      const found = layout && fieldOf(layout, name);
      if (found?.type !== type) continue;
      const last = runs.at(-1);
      if (size < 0) variable.push(found.offset, i);
      else if (last && found.offset - last.from === last.size && offset - last.to === last.size)
        last.size += size;
      else runs.push({ from: found.offset, to: offset, size });
    }
    this.layout = layout;
    this.copy = wordCopy(runs);
    this.variable = Int32Array.from(variable);
  }
}
