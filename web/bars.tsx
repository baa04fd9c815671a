// SPDX-License-Identifier: BSD-3-Clause
import type { ComponentChildren } from "preact";

export interface Bar {
  readonly key: string;
  readonly name: ComponentChildren;
  readonly value: number;
  /** The value as one reads it. */
  readonly text: string;
}

/** Numbers side by side, the largest as long as there is room. */
export function Bars({ label, rows }: { readonly label: string; readonly rows: readonly Bar[] }) {
  const most = Math.max(...rows.map(({ value }) => value), 1);
  return (
    <ul class="bars" aria-label={label}>
      {rows.map(({ key, name, value, text }) => (
        <li key={key}>
          <span>{name}</span>
          <span class="number">{text}</span>
          <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
            <rect width={(value / most) * 100} height="6" />
          </svg>
        </li>
      ))}
    </ul>
  );
}

const BAR_WIDTH = 1000;

/** What was observed, drawn against what it was held against. */
export function AgainstThreshold({
  observed,
  threshold,
}: {
  readonly observed: number;
  readonly threshold: number;
}) {
  const most = Math.max(observed, threshold);
  if (!(most > 0)) return null;
  const scale = (value: number): number => (Math.max(0, value) / most) * (BAR_WIDTH - 8);
  return (
    <svg
      class="against"
      viewBox={`0 0 ${BAR_WIDTH} 20`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`Observed ${observed}, threshold ${threshold}`}
    >
      <rect class="ground" width={BAR_WIDTH} height="12" y="4" />
      <rect class="observed" width={scale(observed)} height="12" y="4" />
      <rect class="threshold" x={scale(threshold)} width="4" height="20" />
    </svg>
  );
}
