// SPDX-License-Identifier: BSD-3-Clause
import type { Stats } from "./api.ts";
import { count } from "./format.ts";
import { Card, Columns, Figure, Scroll, Trouble, Waiting } from "./parts.tsx";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 2000;

/** Where there is one process: what each module got, sent and counted, and where records were lost between them. */
export function Counters() {
  const polled = usePoll<Stats>("/api/v1/stats", POLL_MS);
  const { data: stats } = polled;
  return (
    <>
      <Trouble text={polled.error} />
      <Waiting on={polled} />
      {stats ? <Losses stats={stats} /> : null}
      {stats ? <Sources stats={stats} /> : null}
      {stats?.modules.map(({ name, inputs, outputs, counters }) => (
        <Card key={name} title={name}>
          <div class="counts">
            <CountTable title="Inputs" counts={inputs} />
            <CountTable title="Outputs" counts={outputs} />
            <CountTable title="Counters" counts={counters} />
          </div>
        </Card>
      ))}
    </>
  );
}

function Losses({ stats }: { readonly stats: Stats }) {
  const { ringDrops, outputDrops, mergeOverflows } = stats;
  return (
    <div class="figures">
      <Figure label="Ring drops" value={count(ringDrops)} bad={ringDrops > 0} />
      <Figure label="Output drops" value={count(outputDrops)} bad={outputDrops > 0} />
      <Figure label="Merge overflows" value={count(mergeOverflows)} bad={mergeOverflows > 0} />
    </div>
  );
}

const COLUMNS = ["Name", "State", "Packets", "Flows", "In the table", "Dropped"];

function Sources({ stats: { sources } }: { readonly stats: Stats }) {
  return (
    <Card title="Sources">
      <Scroll label="Sources">
        <table>
          <Columns names={COLUMNS} numbers={COLUMNS.slice(2)} />
          <tbody>
            {sources.map(({ name, kind, meter, capture, progress }, i) => (
              <tr key={i}>
                <th scope="row">{name}</th>
                <td>
                  {capture?.state ??
                    (progress === undefined ? kind : `${Math.floor(progress * 100)} %`)}
                </td>
                <td class="number">{count(meter.packets)}</td>
                <td class="number">{count(meter.flows)}</td>
                <td class="number">{count(meter.live)}</td>
                <td class={capture && capture.dropped > 0 ? "number bad" : "number"}>
                  {capture ? count(capture.dropped) : "–"}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

/** Names and what was counted, or set, under each. */
export function CountTable({
  title,
  counts,
}: {
  readonly title: string;
  readonly counts: Readonly<Record<string, unknown>>;
}) {
  const rows = Object.entries(counts);
  if (rows.length === 0) return null;
  return (
    <table>
      <caption>{title}</caption>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {typeof value === "number" ? (
              <td class="number">{Number.isInteger(value) ? count(value) : value}</td>
            ) : (
              <td>{typeof value === "string" ? value : JSON.stringify(value)}</td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
