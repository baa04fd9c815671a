// SPDX-License-Identifier: BSD-3-Clause
import type { Capture } from "../captures.ts";
import type { Sample, Tool } from "./tools.ts";

const count = new Intl.NumberFormat("en-US");

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
};

const cpuSecondsOf = (samples: readonly Sample[]): number =>
  median(samples.map((sample) => sample.process.cpuSeconds));

/** The flows of every run, once when all agree, and whether they are the truth. */
export const flowsText = (tool: Tool, samples: readonly Sample[], truth?: number): string => {
  const seen = [...new Set(samples.map((sample) => sample.flows))];
  const text = seen.map((flows) => (flows === undefined ? "?" : count.format(flows))).join("/");
  if (tool.counts === "uniflows") return `${text} uniflows`;
  if (truth === undefined) return text;
  return seen.length === 1 && seen[0] === truth ? `${text} EXACT` : `${text} OFF`;
};

const rangeOf = (samples: readonly Sample[]): string => {
  const seconds = samples.map((sample) => sample.process.cpuSeconds);
  return `${Math.min(...seconds).toFixed(2)}-${Math.max(...seconds).toFixed(2)}`;
};

/** Pads the cells to columns: the first to the left, the others to the right. */
export const alignColumns = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join("  ");
  return rows.map(line).join("\n");
};

/** The table of one capture: a row a tool, medians over the runs, ratios to the first tool's CPU. */
export const reportCapture = (
  capture: Capture,
  results: ReadonlyMap<Tool, readonly Sample[]>,
  base: Tool | undefined,
): string => {
  const { name, size, truth } = capture;
  const flows = truth.flows === undefined ? "" : `, ${count.format(truth.flows)} biflows`;
  const title = `${name}: ${count.format(truth.packets)} packets, ${(size / 1e6).toFixed(0)} MB${flows}`;
  const baseSamples = base === undefined ? undefined : results.get(base);
  const rows = [["tool", "CPU s", "min-max", "Mpps/core", "RSS MB", "flows", "ratio"]];
  for (const [tool, samples] of results) {
    const seconds = cpuSecondsOf(samples);
    rows.push([
      tool.name,
      seconds.toFixed(2),
      rangeOf(samples),
      (truth.packets / seconds / 1e6).toFixed(2),
      (median(samples.map((sample) => sample.process.rssPeak)) / 1e6).toFixed(0),
      flowsText(tool, samples, truth.flows),
      baseSamples === undefined ? "-" : (seconds / cpuSecondsOf(baseSamples)).toFixed(1),
    ]);
  }
  return `${title}\n${alignColumns(rows)}`;
};

/** Memory a flow: what the peak adds to the process before its flow table, over its flows. */
export const bytesPerFlow = (samples: readonly Sample[]): number | undefined => {
  const each: number[] = [];
  for (const { process, flows, rssBefore } of samples) {
    if (flows !== undefined && rssBefore !== undefined) {
      each.push((process.rssPeak - rssBefore) / flows);
    }
  }
  return each.length === 0 ? undefined : median(each);
};
