// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import type { FLOWS } from "../core/flow/flows.ts";
import { Merge } from "../core/merge.ts";
import { parseIp } from "../core/unirec/ip.ts";
import type { Template } from "../core/unirec/template.ts";
import { type Row, rowsOf } from "../core/unirec/test-kit.ts";
import type { RecordWriter, Setters } from "../core/unirec/writer.ts";
import { CollectedFlows } from "./collected-flows.ts";
import { flowsTemplates, withModules } from "./plugins.ts";

type Flow = RecordWriter & Setters<typeof FLOWS> & { DNS_NAME: string };

/** Ports as modules want them: one of all flows, one of those of which DNS is known. */
function collected() {
  const plan = withModules(undefined, [{ needs: ["dns"], also: [] }]);
  const layouts = flowsTemplates(plan);
  const merges = layouts.map((layout) => new Merge(layout));
  const rows: Row[][] = merges.map(() => []);
  for (const [i, merge] of merges.entries())
    merge.flows.link({
      receive: (batch) => rows[i]!.push(...rowsOf(batch, layouts[i] as Template)),
      advance: () => {},
      end: () => {},
    });
  const flows = new CollectedFlows("routers", plan, merges);
  const record = flows.sink.record as Flow;
  const send = (name: string) => {
    record.begin();
    record.SRC_IP = parseIp("10.0.0.1")!;
    record.PACKETS = 2;
    record.PACKETS_REV = 1;
    record.BYTES = 120;
    record.TIME_LAST = 1_704_067_200_000_000;
    record.DNS_NAME = name;
    flows.sink.push();
  };
  return { flows, rows, send };
}

test("CollectedFlows sends all flows to those who want any, and those with names to who wants names", () => {
  const { flows, rows, send } = collected();
  for (const name of ["example.com", "", "example.net"]) send(name);
  flows.end();
  expect(rows[0]).toHaveLength(3);
  expect(rows[0]![0]).toMatchObject({ SRC_IP: "10.0.0.1", PACKETS: 2, PACKETS_REV: 1 });
  expect(rows[1]!.map((row) => row["DNS_NAME"])).toEqual(["example.com", "example.net"]);
  expect(flows.totals).toEqual({ flows: 3, packets: 9, bytes: 360, tooLong: 0 });
});

test("CollectedFlows sends what came once some time has passed, though no later flow shows that it has", () => {
  const { flows, rows, send } = collected();
  // The first begins a second, which the others do not end.
  for (const name of ["", "", ""]) send(name);
  flows.flush();
  expect(rows[0]).toHaveLength(1);
  flows.tick();
  expect(rows[0]).toHaveLength(3);
});

test("CollectedFlows drops and counts a record that is too long", () => {
  const { flows, rows, send } = collected();
  send("x".repeat(70_000));
  flows.end();
  expect([rows[0], flows.totals.tooLong]).toEqual([[], 1]);
});
