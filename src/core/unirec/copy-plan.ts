// SPDX-License-Identifier: BSD-3-Clause
import { fieldOf, type Template } from "./template.ts";
import { addRun, type CopyWords, type Run, wordCopy } from "./word-copy.ts";

/** What a template has in common with another one, as bytes to copy from records of that one. */
export class CopyPlan {
  /** The layout that is copied from. */
  readonly layout: Template | undefined;
  /** Copies the fixed fields into a fixed part. */
  readonly copy: CopyWords;
  /** Variable fields, each as descriptor's offset in the source, field index in the target. */
  readonly variable: Int32Array;

  constructor(layout: Template | undefined, target: Template) {
    const runs: Run[] = [];
    const variable: number[] = [];
    for (const [i, { name, type, size, offset }] of target.fields.entries()) {
      const found = layout && fieldOf(layout, name);
      if (found?.type !== type) continue;
      if (size < 0) variable.push(found.offset, i);
      else addRun(runs, { from: found.offset, to: offset, size });
    }
    this.layout = layout;
    this.copy = wordCopy(runs);
    this.variable = Int32Array.from(variable);
  }
}
