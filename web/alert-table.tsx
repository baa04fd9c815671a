// SPDX-License-Identifier: BSD-3-Clause
import type { AlertPage } from "./api.ts";
import { endpointText, utc } from "./format.ts";
import { Columns, Severity } from "./parts.tsx";
import { hashOf } from "./routes.ts";

const COLUMNS = ["Opened (UTC)", "Severity", "Alert", "Source", "Target", "Detector", "State"];

export function AlertTable({ items }: { readonly items: AlertPage["items"] }) {
  if (items.length === 0) return <p>No alerts match.</p>;
  return (
    <table class="alerts rows">
      <Columns names={COLUMNS} />
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
