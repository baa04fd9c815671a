// SPDX-License-Identifier: BSD-3-Clause
import { printable } from "../../core/log.ts";
import type { Answers } from "./local-api.ts";
import { grouped } from "./terminal.ts";

export type Health = Answers["/healthz"];
export type Stats = Answers["/api/v1/stats"];

/** A row's cells; numbers stand to the right. */
type Row = readonly (string | number)[];

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** Rows under a heading, as wide as they need to be. */
function table(head: readonly string[], rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "number" ? grouped(Math.round(cell)) : printable(cell))),
  );
  const widths = head.map((name, i) =>
    Math.max(name.length, ...cells.map((row) => row[i]!.length)),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) =>
        typeof rows[0]![i] === "number" ? text.padStart(widths[i]!) : text.padEnd(widths[i]!),
      )
      .join("  ")
      .trimEnd();
  return ["", line(head), ...cells.map(line)];
}

/**
 * What runs, as lines: health, sources, modules, sinks. Rates are those between two looks; the first look has none, and
 * what has been started anew meanwhile counts from 0.
 */
export function topScreen(health: Health, now: Stats, before: Stats | undefined): string[] {
  const seconds = before ? (Date.parse(now.at) - Date.parse(before.at)) / 1000 : 0;
  const rate = (count: number, earlier: number | undefined): number =>
    seconds > 0 ? (count - (earlier !== undefined && earlier <= count ? earlier : 0)) / seconds : 0;
  // Workers of a source bear its name, so they are told apart by their place.
  const sources = now.sources.map(({ name, meter, capture }, i): Row => {
    const was = before?.sources[i];
    return [
      name,
      rate(meter.packets, was?.meter.packets),
      rate(meter.bytes * 8, was && was.meter.bytes * 8) / 1e6,
      rate(meter.flows, was?.meter.flows),
      meter.live,
      capture?.dropped ?? 0,
      capture?.state ?? "",
    ];
  });
  const modules = now.modules.map(({ name, inputs, outputs }): Row => {
    const was = before?.modules.find((module) => module.name === name);
    return [name, rate(sum(inputs), was && sum(was.inputs)), sum(inputs), sum(outputs)];
  });
  const sinks = (now.delivery?.sinks ?? []).map(
    (sink): Row => [
      sink.name,
      sink.delivered,
      sink.waiting,
      sink.dropped,
      sink.dead,
      // A sink that gets on has left its last error behind.
      sink.state === "waiting" && sink.lastError !== null
        ? `waiting: ${sink.lastError}`
        : sink.state,
    ],
  );
  return [
    `${health.status}  up ${grouped(Math.floor(health.uptime))} s  alerts ${grouped(now.alerts)}  ` +
      `lost between processes ${grouped(now.ringDrops)}  memory ${grouped(Math.round(now.rss / 1e6))} MB`,
    ...health.reasons.map((reason) => `  ${printable(reason)}`),
    ...table(["SOURCE", "PACKETS/S", "MBIT/S", "FLOWS/S", "LIVE", "DROPPED", "STATE"], sources),
    ...table(["MODULE", "RECORDS/S", "RECORDS", "SENT"], modules),
    ...table(["SINK", "DELIVERED", "WAITING", "DROPPED", "REFUSED", "STATE"], sinks),
  ];
}
