// SPDX-License-Identifier: BSD-3-Clause
import type { TopPort, TopTalker, TopView } from "../src/core/flow/top.ts";
import { Bars } from "./bars.tsx";
import { count, duration, portName, short } from "./format.ts";
import { Card } from "./parts.tsx";
import { hashOf } from "./routes.ts";

/** More of them are no list to glance at. */
const SHOWN = 10;

const textOf = ({ bytes, flows }: TopTalker | TopPort): string =>
  `${short(bytes, "B")} · ${count(flows)} ${flows === 1 ? "flow" : "flows"}`;

/** Who sends and gets most, and on which ports. */
export function Top({ top: { seconds, talkers, ports } }: { readonly top: TopView }) {
  const ago = seconds === 0 ? "" : `, last ${duration(seconds)}`;
  return (
    <>
      <Card title={`Top talkers${ago}`}>
        {talkers.length === 0 ? <p class="note">No flow has ended yet.</p> : null}
        <Bars
          label="Top talkers"
          rows={talkers.slice(0, SHOWN).map((talker) => ({
            key: talker.ip,
            name: <a href={hashOf("alerts", { query: { ip: talker.ip } })}>{talker.ip}</a>,
            value: talker.bytes,
            text: textOf(talker),
          }))}
        />
      </Card>
      <Card title={`Top ports${ago}`}>
        {ports.length === 0 ? <p class="note">No flow has ended yet.</p> : null}
        <Bars
          label="Top ports"
          rows={ports.slice(0, SHOWN).map((port) => ({
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
