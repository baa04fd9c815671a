// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { clock, short } from "./format.ts";

const HEIGHT = 140;
const FONT = "12px system-ui, sans-serif";

/** A colour of the style sheet: canvas knows no variables. */
const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function plotOptions(label: string, unit: string, width: number): uPlot.Options {
  const stroke = colour("--series");
  const axis = {
    stroke: colour("--faint"),
    font: FONT,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: false } },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, space: 80, size: 28, values: (_, splits) => splits.map(clock) },
      { ...axis, size: 76, values: (_, splits) => splits.map((split) => short(split, unit)) },
    ],
    series: [
      {},
      { label, stroke, fill: colour("--series-fill"), width: 1.5, points: { show: false } },
    ],
  };
}

/** Points from which on a line can be drawn. */
const POINTS_MIN = 2;

/** One quantity over time; in words as long as there is nothing to draw. What it shows last stands beside it as text. */
export function Chart({
  label,
  unit,
  times,
  values,
}: {
  readonly label: string;
  readonly unit: string;
  readonly times: readonly number[];
  readonly values: readonly number[];
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data: uPlot.AlignedData = [[...times], [...values]];
  const latest = useRef(data);
  latest.current = data;

  const isDrawn = times.length >= POINTS_MIN;
  useEffect(() => {
    const element = place.current;
    if (!isDrawn || !element) return;
    const draw = (): void => {
      plot.current?.destroy();
      const options = plotOptions(label, unit, element.clientWidth);
      plot.current = new uPlot(options, latest.current, element);
    };
    draw();
    const resizes = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resizes.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      resizes.disconnect();
      dark.removeEventListener("change", draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [label, unit, isDrawn]);

  useEffect(() => {
    plot.current?.setData(latest.current);
  }, [times, values]);

  return (
    <figure class="chart">
      <figcaption>
        {label} <strong>{short(values.at(-1), unit)}</strong>
      </figcaption>
      {isDrawn ? (
        <div ref={place} aria-hidden="true" />
      ) : (
        <p class="note">The line begins with the second measurement, in a few seconds.</p>
      )}
    </figure>
  );
}
