// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useRef, useState } from "preact/hooks";
import type { Health, Stats } from "./api.ts";
import { Bars } from "./bars.tsx";
import { Chart } from "./chart.tsx";
import { count, duration, percent, short } from "./format.ts";
import { Card, Figure, Heading, Severity, Trouble, Waiting } from "./parts.tsx";
import { type Columns, RateHistory, totalsOf } from "./rates.ts";
import { hashOf } from "./routes.ts";
import { Top } from "./top.tsx";
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
  const polled = usePoll<Stats>("/api/v1/stats", POLL_MS);
  const { data: health } = usePoll<Health>("/healthz", POLL_MS);
  const stats = polled.data;
  const [times, packets, bits, flows] = useRates(stats);
  return (
    <>
      <Heading>Overview</Heading>
      <Trouble text={polled.error} />
      <Waiting on={polled} />
      {health ? <HealthCard health={health} /> : null}
      {stats ? <Figures stats={stats} /> : null}
      {stats ? (
        <Card title={stats.finished ? "Traffic: the source has ended" : "Traffic (times in UTC)"}>
          <div class="charts">
            <Chart label="Bits" unit="b/s" times={times} values={bits} />
            <Chart label="Packets" unit="p/s" times={times} values={packets} />
            <Chart label="Flows" unit="f/s" times={times} values={flows} />
          </div>
        </Card>
      ) : null}
      <div class="pair">
        {stats ? <Severities stats={stats} /> : null}
        {stats?.top ? <Top top={stats.top} /> : null}
      </div>
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
  const sinks = stats.delivery?.sinks ?? [];
  const waiting = sinks.reduce((sum, sink) => sum + sink.waiting, 0);
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
      {sinks.length === 0 ? null : (
        <Figure
          label="Alerts wait for sinks"
          value={count(waiting)}
          note={`${count(sinks.length)} ${sinks.length === 1 ? "sink" : "sinks"}`}
          bad={sinks.some(({ state }) => state === "waiting")}
        />
      )}
      <Figure label="Memory" value={short(stats.rss, "B")} />
    </div>
  );
}

function Severities({ stats }: { readonly stats: Stats }) {
  const events = new Map<number, number>();
  for (const { severity, events: more } of stats.store.stored)
    events.set(severity, (events.get(severity) ?? 0) + more);
  const rows = [...events].sort(([a], [b]) => b - a);
  return (
    <Card title="Alerts by severity">
      <p>
        <a href={hashOf("alerts")}>
          <strong id="alert-total">{count(stats.store.total)}</strong> in the store
        </a>
      </p>
      <Bars
        label="Alerts by severity"
        rows={rows.map(([severity, number]) => ({
          key: String(severity),
          name: (
            <a href={hashOf("alerts", { query: { severity: String(severity) } })}>
              <Severity value={severity} />
            </a>
          ),
          value: number,
          text: count(number),
        }))}
      />
    </Card>
  );
}
