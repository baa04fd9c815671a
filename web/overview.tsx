// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useRef, useState } from "preact/hooks";
import type { Health, Stats } from "./api.ts";
import { Chart } from "./chart.tsx";
import { count, duration, percent, short } from "./format.ts";
import { Card, Figure, Severity, Trouble } from "./parts.tsx";
import { type Columns, RateHistory, totalsOf } from "./rates.ts";
import { hashOf } from "./routes.ts";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 2000;

/** Rates as far back as this page has seen them. */
function useRates(stats: Stats | undefined): Columns {
  const history = useRef(new RateHistory());
  const [columns, setColumns] = useState(history.current.columns);
  useEffect(() => {
    if (!stats) return;
    history.current.add(totalsOf(stats), Date.now() / 1000, stats.finished);
    setColumns(history.current.columns);
  }, [stats]);
  return columns;
}

/** What the tap sees, what it lost, what was found, and what is wrong. */
export function Overview() {
  const { data: stats, error } = usePoll<Stats>("/api/v1/stats", POLL_MS);
  const { data: health } = usePoll<Health>("/healthz", POLL_MS);
  const [times, packets, bits, flows] = useRates(stats);
  return (
    <>
      <h1>Overview</h1>
      <Trouble text={error} />
      {health ? <HealthCard health={health} /> : null}
      {stats ? <Figures stats={stats} /> : <p>Waiting for the first numbers …</p>}
      <Card title={stats?.finished ? "Traffic: the source has ended" : "Traffic (times in UTC)"}>
        <div class="charts">
          <Chart label="Packets" unit="p/s" times={times} values={packets} />
          <Chart label="Bits" unit="b/s" times={times} values={bits} />
          <Chart label="Flows" unit="f/s" times={times} values={flows} />
        </div>
      </Card>
      {stats ? <Severities stats={stats} /> : null}
    </>
  );
}

function HealthCard({ health: { status, reasons, version, uptime } }: { readonly health: Health }) {
  return (
    <section class={`health ${status}`} aria-label="Health">
      <strong>{status === "ok" ? "All is well" : "Something is wrong"}</strong>
      <span>
        Nemean {version}, up for {duration(uptime)}
      </span>
      {reasons.length === 0 ? null : (
        <ul>
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Figures({ stats }: { readonly stats: Stats }) {
  const { packets, bytes, flows, dropped, seen } = totalsOf(stats);
  const captured = stats.sources.some(({ capture }) => capture !== undefined);
  return (
    <div class="figures">
      <Figure label="Packets" value={short(packets)} note={count(packets)} />
      <Figure label="Bytes" value={short(bytes, "B")} note={count(bytes)} />
      <Figure label="Flows" value={short(flows)} note={count(flows)} />
      <Figure
        label="Capture drops"
        value={captured ? percent(dropped, seen) : "–"}
        note={captured ? `${count(dropped)} frames` : "no live capture"}
        bad={dropped > 0}
      />
      <Figure label="Memory" value={short(stats.rss, "B")} />
    </div>
  );
}

function Severities({ stats }: { readonly stats: Stats }) {
  const events = new Map<number, number>();
  for (const { severity, events: more } of stats.store.stored)
    events.set(severity, (events.get(severity) ?? 0) + more);
  const rows = [...events].sort(([a], [b]) => b - a);
  const most = Math.max(...events.values(), 1);
  return (
    <Card title="Alerts by severity">
      <p>
        <a href={hashOf("alerts")}>
          <strong id="alert-total">{count(stats.store.total)}</strong> in the store
        </a>
      </p>
      <table class="bars">
        <tbody>
          {rows.map(([severity, number]) => (
            <tr key={severity}>
              <th scope="row">
                <a href={hashOf("alerts", { query: { severity: String(severity) } })}>
                  <Severity value={severity} />
                </a>
              </th>
              <td>
                <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={(number / most) * 100} height="8" />
                </svg>
              </td>
              <td class="number">{count(number)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
