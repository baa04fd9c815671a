// SPDX-License-Identifier: BSD-3-Clause
import type { Stats } from "./api.ts";
import { count } from "./format.ts";
import { Card, Figure, Scroll, Trouble } from "./parts.tsx";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 2000;

type Counts = Readonly<Record<string, number>>;

/** What each module got, sent and counted, and where records were lost between them. */
export function Modules() {
  const { data: stats, error } = usePoll<Stats>("/api/v1/stats", POLL_MS);
  return (
    <>
      <h1>Modules</h1>
      <Trouble text={error} />
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

function Sources({ stats: { sources } }: { readonly stats: Stats }) {
  return (
    <Card title="Sources">
      <Scroll label="Sources">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Packets
              </th>
              <th scope="col" class="number">
                Flows
              </th>
              <th scope="col" class="number">
                In the table
              </th>
              <th scope="col" class="number">
                Dropped
              </th>
            </tr>
          </thead>
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

function CountTable({ title, counts }: { readonly title: string; readonly counts: Counts }) {
  const rows = Object.entries(counts);
  if (rows.length === 0) return null;
  return (
    <table>
      <caption>{title}</caption>
      <tbody>
        {rows.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td class="number">{count(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
