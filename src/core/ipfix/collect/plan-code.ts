// SPDX-License-Identifier: BSD-3-Clause
/**
 * Plans as code: what {@link Transfer.store} does step by step, with offsets as constants. It is a fifth of the time, and worth
 * its making for templates with many records. All that reaches the source are numbers.
 * @module
 */
import { CONVERSION } from "./conversions.ts";
import type { Transfer } from "./transfer.ts";

/** One value: which conversion, of how many bytes, to which offset of the UniRec record. */
export interface Step {
  readonly kind: number;
  /** Index of the field; of a record whose fields all have one length, offset of the value. */
  readonly source: number;
  readonly length: number;
  readonly target: number;
  /** Whether another element may have written there before. */
  readonly isSecond: boolean;
}

/** Fills in the record that a transfer has. */
export type Fill = (transfer: Transfer) => void;

const BITS: Readonly<Record<number, 8 | 16 | 32>> = {
  [CONVERSION.counter8]: 8,
  [CONVERSION.low8]: 8,
  [CONVERSION.counter16]: 16,
  [CONVERSION.low16]: 16,
  [CONVERSION.counter32]: 32,
  [CONVERSION.low32]: 32,
};

/** The code of a plan's steps. */
export function compile(steps: readonly Step[], isFixed: boolean): Fill {
  const lines = steps.map((step) =>
    statement(step, isFixed ? `at + ${step.source}` : `spans[${2 * step.source}]`),
  );
  return new Function(
    "transfer",
    `const { view, at, spans, to } = transfer;\n${lines.join("\n")}`,
  ) as Fill;
}

function statement(step: Step, a: string): string {
  const { kind, length, target, isSecond } = step;
  const bits = BITS[kind];
  const general = `transfer.store(${kind}, ${a}, ${length}, ${target});`;
  if (isSecond) return general;
  if (bits === 8 * length) return `to.setInt${bits}(${target}, view.getInt${bits}(${a}), true);`;
  if (length === 8 && kind === CONVERSION.counter32)
    return `to.setInt32(${target}, view.getInt32(${a}) === 0 ? view.getInt32(${a} + 4) : -1, true);`;
  switch (kind) {
    case CONVERSION.counter64:
      if (length === 4) return `to.setInt32(${target}, view.getInt32(${a}), true);`;
      if (length !== 8) return general;
      return words([
        [target, `${a} + 4`],
        [target + 4, a],
      ]);
    case CONVERSION.address:
      if (length === 4)
        return `to.setInt32(${target + 8}, view.getInt32(${a})); to.setInt32(${target + 12}, -1);`;
      return [0, 4, 8, 12]
        .map((k) => `to.setInt32(${target + k}, view.getInt32(${a} + ${k}));`)
        .join(" ");
    case CONVERSION.mac:
      return `to.setInt32(${target}, view.getInt32(${a})); to.setInt16(${target + 4}, view.getInt16(${a} + 4));`;
    case CONVERSION.seconds:
      return words([[target + 4, a]]);
    default:
      return general;
  }
}

/** Words that go over as they are, each to a place from a place. */
const words = (pairs: readonly (readonly [number, string])[]): string =>
  pairs.map(([to, from]) => `to.setInt32(${to}, view.getInt32(${from}), true);`).join(" ");
