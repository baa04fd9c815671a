// SPDX-License-Identifier: BSD-3-Clause
import type { Items } from "./api.ts";
import { Card, Columns, Trouble, Waiting } from "./parts.tsx";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 5000;

interface DeliveryOf {
  readonly sink: string;
  readonly state: "delivered" | "waiting" | "dead" | "not routed" | "dropped" | "unknown";
  readonly reason?: string;
}

const WORDS: Readonly<Record<DeliveryOf["state"], string>> = {
  delivered: "delivered",
  waiting: "waits",
  dead: "refused by the receiver",
  "not routed": "not meant for it",
  dropped: "dropped",
  unknown: "not known any more",
};

/** Which sinks have an event, and why others have not. */
export function Deliveries({ path }: { readonly path: string }) {
  const polled = usePoll<Items<DeliveryOf>>(`${path}/deliveries`, POLL_MS);
  const { data, error } = polled;
  return (
    <Card title="Delivery">
      <Trouble text={error} />
      <Waiting on={polled} />
      {data?.items.length === 0 ? <p class="note">There are no sinks.</p> : null}
      {data && data.items.length > 0 ? (
        <table class="deliveries rows">
          <Columns names={["Sink", "State", "Why"]} />
          <tbody>
            {data.items.map(({ sink, state, reason }) => (
              <tr key={sink}>
                <th scope="row">{sink}</th>
                <td class={state === "dead" || state === "dropped" ? "bad" : undefined}>
                  {WORDS[state]}
                </td>
                <td class="wide">{reason ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </Card>
  );
}
