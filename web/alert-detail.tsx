// SPDX-License-Identifier: BSD-3-Clause
import type { Endpoint } from "../src/core/alert.ts";
import { type Access, type Paths, sessionOf } from "./access.ts";
import type { Alert } from "./api.ts";
import { AgainstThreshold } from "./bars.tsx";
import { Deliveries } from "./deliveries.tsx";
import { Evidence } from "./evidence.tsx";
import { count, endpointText, short, utc } from "./format.ts";
import { Card, Facts, Figure, Heading, Severity, Trouble, Waiting } from "./parts.tsx";
import { hashOf } from "./routes.ts";
import { Triage } from "./triage.tsx";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 5000;

/** One event: why it fired, the flows that show it, who was told. */
export function AlertDetail({
  id,
  access,
  paths,
}: {
  readonly id: string;
  readonly access: Access;
  readonly paths: Paths;
}) {
  const path = `/api/v1/alerts/${encodeURIComponent(id)}`;
  const polled = usePoll<Alert>(path, POLL_MS);
  const { data: alert, error } = polled;
  const session = sessionOf(access, "operator");
  return (
    <>
      <p>
        <a href={hashOf("alerts")}>« All alerts</a>
      </p>
      <Trouble text={error} />
      <Waiting on={polled} />
      {alert ? <Shown alert={alert} path={path} /> : null}
      {alert && session ? (
        <Triage path={path} triage={alert.triage} csrf={session.csrf} onKept={polled.again} />
      ) : null}
      {alert && paths.has("/api/v1/alerts/{id}/deliveries") ? <Deliveries path={path} /> : null}
    </>
  );
}

function Shown({ alert, path }: { readonly alert: Alert; readonly path: string }) {
  return (
    <article>
      <Heading>{alert.title}</Heading>
      <p class="under-title">
        <Severity value={alert.severity} /> {alert.category} · {alert.state} · {utc(alert.openedAt)}{" "}
        UTC · <a href={path}>as JSON</a>
      </p>
      <Card title="Why">
        <p class="reason">{alert.reason}</p>
        <Held alert={alert} />
      </Card>
      <Card title="What">
        <Facts facts={factsOf(alert)} />
      </Card>
      <Card title={`Evidence: ${count(alert.evidence.length)} flows, times in UTC`}>
        <Evidence flows={alert.evidence} />
      </Card>
    </article>
  );
}

/** What was observed against what it was held against. */
function Held({ alert: { observed, threshold, baseline, confidence } }: { readonly alert: Alert }) {
  const isOver = observed !== undefined && threshold !== undefined && observed >= threshold;
  return (
    <>
      {observed !== undefined && threshold !== undefined ? (
        <AgainstThreshold observed={observed} threshold={threshold} />
      ) : null}
      <div class="figures">
        {observed === undefined ? null : (
          <Figure label="Observed" value={short(observed)} bad={isOver} />
        )}
        {threshold === undefined ? null : <Figure label="Threshold" value={short(threshold)} />}
        {baseline === undefined ? null : <Figure label="Usual" value={short(baseline)} />}
        <Figure label="Confidence" value={`${Math.round(confidence * 100)} %`} />
      </div>
    </>
  );
}

/** One side of the event; its address leads to all its events. */
const side = (endpoint: Endpoint) =>
  endpoint.ip === undefined ? (
    endpointText(endpoint)
  ) : (
    <a href={hashOf("alerts", { query: { ip: endpoint.ip } })}>{endpointText(endpoint)}</a>
  );

const optional = (number: number | undefined): string | undefined =>
  number === undefined ? undefined : count(number);

const factsOf = (alert: Alert): Parameters<typeof Facts>[0]["facts"] => [
  ["Source", side(alert.source)],
  ["Target", side(alert.target)],
  ["First traffic (UTC)", utc(alert.firstTime)],
  ["Last traffic (UTC)", utc(alert.lastTime)],
  ["Updates", count(alert.update)],
  ["Flows", optional(alert.flows)],
  ["Packets", optional(alert.packets)],
  ["Bytes", optional(alert.bytes)],
  ["Detector", `${alert.detector} ${alert.version}, rule ${alert.rule}`],
  ["ATT&CK", alert.techniques.join(", ") || undefined],
  ["Seen by", [alert.sensor, alert.interface].filter(Boolean).join(", ")],
  ["Triage", alert.triage && `${alert.triage.status} by ${alert.triage.by}`],
  ["Note", alert.triage?.note || undefined],
  ["Id", alert.id],
];
