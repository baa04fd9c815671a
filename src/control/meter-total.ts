// SPDX-License-Identifier: BSD-3-Clause
import type { MeterStats } from "../core/flow/meter.ts";

/** Numbers, and objects of them. */
type Counts = { readonly [name: string]: number | Counts };

/** What the meters of several Workers have counted together; `peak` is the sum of their peaks. */
export function meterTotal(stats: readonly MeterStats[]): MeterStats | undefined {
  const [first, ...rest] = stats as readonly unknown[] as readonly Counts[];
  return first && (rest.reduce(sum, first) as unknown as MeterStats);
}

function sum(a: Counts, b: Counts): Counts {
  return Object.fromEntries(
    Object.entries(a).map(([name, value]) => {
      const other = b[name]!;
      if (typeof value === "number") return [name, value + (other as number)];
      return [name, sum(value, other as Counts)];
    }),
  );
}
