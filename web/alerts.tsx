// SPDX-License-Identifier: BSD-3-Clause
import type { AlertPage } from "./api.ts";
import { endpointText, utc } from "./format.ts";
import { Severity, Trouble } from "./parts.tsx";
import { alertsPath, hashOf } from "./routes.ts";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 5000;

/** Events, those opened last first; filters and page are in the address, so they can be sent to a colleague. */
export function Alerts({ query }: { readonly query: URLSearchParams }) {
  const { data, error } = usePoll<AlertPage>(alertsPath(query), POLL_MS);
  const filters = Object.fromEntries(query);
  const onward = data?.next ? hashOf("alerts", { query: { ...filters, cursor: data.next } }) : "";
  return (
    <>
      <h1>Alerts</h1>
      <Filters key={String(query)} query={query} />
      <Trouble text={error} />
      {data ? <AlertTable items={data.items} /> : null}
      <nav class="pages" aria-label="Pages">
        {query.has("cursor") ? (
          <a href={hashOf("alerts", { query: { ...filters, cursor: "" } })}>« Latest</a>
        ) : null}
        {onward === "" ? null : <a href={onward}>Older »</a>}
      </nav>
    </>
  );
}

const LEAST = [
  ["", "any severity"],
  ["1", "low or more"],
  ["4", "medium or more"],
  ["7", "high or more"],
  ["9", "critical"],
] as const;

function Filters({ query }: { readonly query: URLSearchParams }) {
  const severity = query.get("severity") ?? "";
  const apply = (event: SubmitEvent): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const filled = [...fields].map(([name, value]) => [name, String(value).trim()]);
    location.hash = hashOf("alerts", { query: Object.fromEntries(filled) });
  };
  // A link may ask for a severity that has no name here.
  const named = LEAST.some(([least]) => least === severity);
  return (
    <form class="filters" onSubmit={apply} aria-label="Filters">
      <label>
        Severity
        <select name="severity" defaultValue={severity}>
          {LEAST.map(([least, name]) => (
            <option key={least} value={least} selected={least === severity}>
              {name}
            </option>
          ))}
          {named ? null : (
            <option value={severity} selected>
              {severity} or more
            </option>
          )}
        </select>
      </label>
      <label>
        Detector
        <input name="detector" defaultValue={query.get("detector") ?? ""} autocomplete="off" />
      </label>
      <label>
        Address
        <input name="ip" defaultValue={query.get("ip") ?? ""} autocomplete="off" />
      </label>
      <button type="submit">Filter</button>
      <a href={hashOf("alerts")}>Clear</a>
    </form>
  );
}

function AlertTable({ items }: { readonly items: AlertPage["items"] }) {
  if (items.length === 0) return <p>No alerts match.</p>;
  return (
    <table class="alerts">
      <thead>
        <tr>
          <th scope="col">Opened (UTC)</th>
          <th scope="col">Severity</th>
          <th scope="col">Alert</th>
          <th scope="col">Source</th>
          <th scope="col">Target</th>
          <th scope="col">Detector</th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody>
        {items.map((alert) => (
          <tr key={alert.id}>
            <td class="time">{utc(alert.openedAt)}</td>
            <td>
              <Severity value={alert.severity} />
            </td>
            <td class="title">
              <a href={hashOf("alerts", { id: alert.id })}>{alert.title}</a>
            </td>
            <td class="address">{endpointText(alert.source)}</td>
            <td class="address">{endpointText(alert.target)}</td>
            <td>{alert.detector}</td>
            <td>{alert.triage?.status ?? alert.state}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
