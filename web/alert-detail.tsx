// SPDX-License-Identifier: BSD-3-Clause
import type { Access, Alert } from "./api.ts";
import { cellText, columnsOf } from "./evidence.ts";
import { count, endpointText, short, utc } from "./format.ts";
import { Card, Figure, Scroll, Severity, Trouble } from "./parts.tsx";
import { hashOf } from "./routes.ts";
import { Triage } from "./triage.tsx";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 5000;

/** One event: why it fired, and the flows that show it. */
export function AlertDetail({ id, access }: { readonly id: string; readonly access: Access }) {
  const path = `/api/v1/alerts/${encodeURIComponent(id)}`;
  const { data: alert, error } = usePoll<Alert>(path, POLL_MS);
  const session = access.kind === "session" ? access.session : undefined;
  return (
    <>
      <p>
        <a href={hashOf("alerts")}>« All alerts</a>
      </p>
      <Trouble text={error} />
      {alert ? <Shown alert={alert} /> : null}
      {alert && session && session.role !== "viewer" ? (
        <Triage path={path} triage={alert.triage} csrf={session.csrf} />
      ) : null}
    </>
  );
}

function Shown({ alert }: { readonly alert: Alert }) {
  return (
    <article>
      <h1>{alert.title}</h1>
      <p class="under-title">
        <Severity value={alert.severity} /> {alert.category} · {alert.state} · {utc(alert.openedAt)}{" "}
        UTC
      </p>
      <Card title="Why">
        <p class="reason">{alert.reason}</p>
        <Held alert={alert} />
      </Card>
      <Card title="What">
        <Facts alert={alert} />
      </Card>
      <Card title={`Evidence: ${count(alert.evidence.length)} flows, times in UTC`}>
        <Evidence alert={alert} />
      </Card>
    </article>
  );
}

/** What was observed against what it was held against. */
function Held({ alert: { observed, threshold, baseline, confidence } }: { readonly alert: Alert }) {
  return (
    <div class="figures">
      {observed === undefined ? null : (
        <Figure label="Observed" value={short(observed)} bad={threshold !== undefined} />
      )}
      {threshold === undefined ? null : <Figure label="Threshold" value={short(threshold)} />}
      {baseline === undefined ? null : <Figure label="Usual" value={short(baseline)} />}
      <Figure label="Confidence" value={`${Math.round(confidence * 100)} %`} />
    </div>
  );
}

function Facts({ alert }: { readonly alert: Alert }) {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Source", endpointText(alert.source)],
    ["Target", endpointText(alert.target)],
    ["First traffic (UTC)", utc(alert.firstTime)],
    ["Last traffic (UTC)", utc(alert.lastTime)],
    ["Updates", count(alert.update)],
    ["Flows", alert.flows === undefined ? undefined : count(alert.flows)],
    ["Packets", alert.packets === undefined ? undefined : count(alert.packets)],
    ["Bytes", alert.bytes === undefined ? undefined : count(alert.bytes)],
    ["Detector", `${alert.detector} ${alert.version}, rule ${alert.rule}`],
    ["ATT&CK", alert.techniques.join(", ") || undefined],
    ["Seen by", [alert.sensor, alert.interface].filter(Boolean).join(", ")],
    ["Triage", alert.triage && `${alert.triage.status} by ${alert.triage.by}`],
    ["Note", alert.triage?.note || undefined],
    ["Id", alert.id],
  ];
  return (
    <dl>
      {facts.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Evidence({ alert: { evidence } }: { readonly alert: Alert }) {
  if (evidence.length === 0) return <p>The detector names no flows.</p>;
  const columns = columnsOf(evidence);
  return (
    <Scroll label="Evidence">
      <table class="evidence">
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {evidence.map((flow, i) => (
            <tr key={i}>
              {columns.map((name) => (
                <td key={name}>{cellText(name, flow[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
