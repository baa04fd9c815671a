// SPDX-License-Identifier: BSD-3-Clause
import type { AuditPage } from "../src/control/auth/audit.ts";
import { type Access, sessionOf } from "./access.ts";
import { utcOf } from "./format.ts";
import { Card, Columns, Heading, Scroll, Trouble, Waiting } from "./parts.tsx";
import { hashOf } from "./routes.ts";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 10_000;

/** What was done and tried, the newest first, for admins. */
export function Audit({
  query,
  access,
}: {
  readonly query: URLSearchParams;
  readonly access: Access;
}) {
  const admin = sessionOf(access, "admin");
  const cursor = query.get("cursor");
  const search = cursor === null ? "" : `?${new URLSearchParams({ cursor })}`;
  const polled = usePoll<AuditPage>(admin ? `/api/v1/audit${search}` : null, POLL_MS);
  const { data, error } = polled;
  return (
    <>
      <Heading>Audit</Heading>
      {admin ? <Waiting on={polled} /> : <p>Admins see what was done.</p>}
      <Trouble text={error} />
      {data ? <AuditTable items={data.items} /> : null}
      <nav class="pages" aria-label="Pages">
        {cursor === null ? null : <a href={hashOf("audit")}>« Latest</a>}
        {data?.next ? (
          <a href={hashOf("audit", { query: { cursor: data.next } })}>Older »</a>
        ) : null}
      </nav>
    </>
  );
}

const COLUMNS = ["Time (UTC)", "Who", "From", "What", "On", "Detail"];

function AuditTable({ items }: { readonly items: AuditPage["items"] }) {
  if (items.length === 0) return <p>Nothing was done yet.</p>;
  return (
    <Card title="What was done and tried">
      <Scroll label="Audit log">
        <table class="audit rows">
          <Columns names={COLUMNS} />
          <tbody>
            {items.map(({ seq, at, actor, address, action, target, detail }) => (
              <tr key={seq}>
                <td class="time">{utcOf(at)}</td>
                <td>{actor}</td>
                <td>{address}</td>
                <td class={action.endsWith(".fail") ? "bad" : undefined}>{action}</td>
                <td>{target}</td>
                <td class="wide">
                  {Object.keys(detail).length === 0 ? "" : <code>{JSON.stringify(detail)}</code>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}
