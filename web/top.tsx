// SPDX-License-Identifier: BSD-3-Clause
import { Bars } from "./bars.tsx";
import { count, duration, portName, short } from "./format.ts";
import { Card, Trouble, Waiting } from "./parts.tsx";
import { hashOf } from "./routes.ts";
import { usePoll } from "./use-poll.ts";

export const TOP = "/api/v1/top";
const POLL_MS = 5000;

interface Counts {
  readonly bytes: number;
  readonly packets: number;
  readonly flows: number;
}
interface TopLists {
  /** How far back they look. */
  readonly seconds: number;
  readonly talkers: readonly (Counts & { readonly ip: string })[];
  readonly ports: readonly (Counts & { readonly protocol: number; readonly port: number })[];
}

const textOf = ({ bytes, flows }: Counts): string =>
  `${short(bytes, "B")} · ${count(flows)} ${flows === 1 ? "flow" : "flows"}`;

/** Who sends most, and to which ports. */
export function Top() {
  const polled = usePoll<TopLists>(TOP, POLL_MS);
  const { data, error } = polled;
  return (
    <>
      <Card title={data ? `Top talkers, last ${duration(data.seconds)}` : "Top talkers"}>
        <Trouble text={error} />
        <Waiting on={polled} />
        {data?.talkers.length === 0 ? <p class="note">No flow has ended yet.</p> : null}
        <Bars
          label="Top talkers"
          rows={(data?.talkers ?? []).map((talker) => ({
            key: talker.ip,
            name: <a href={hashOf("alerts", { query: { ip: talker.ip } })}>{talker.ip}</a>,
            value: talker.bytes,
            text: textOf(talker),
          }))}
        />
      </Card>
      <Card title={data ? `Top ports, last ${duration(data.seconds)}` : "Top ports"}>
        <Waiting on={polled} />
        {data?.ports.length === 0 ? <p class="note">No flow has ended yet.</p> : null}
        <Bars
          label="Top ports"
          rows={(data?.ports ?? []).map((port) => ({
            key: portName(port),
            name: portName(port),
            value: port.bytes,
            text: textOf(port),
          }))}
        />
      </Card>
    </>
  );
}
