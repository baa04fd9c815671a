// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { Batch } from "../batch.ts";
import { type Template, template } from "../unirec/template.ts";
import { RecordWriter } from "../unirec/writer.ts";
import { FLOWS } from "./flows.ts";
import { FlowTop } from "./top.ts";

const MINUTE = 60_000_000;
const START = 28_000_000 * MINUTE;

type Row = Readonly<Record<string, string | number>>;

function topOf(layout: Template = FLOWS): { top: FlowTop; send: (...rows: Row[]) => void } {
  const top = new FlowTop();
  top.announce(layout);
  const writer = new RecordWriter(layout);
  const send = (...rows: Row[]): void => {
    const batch = new Batch();
    for (const row of rows) writer.begin().setAll(row).end(batch);
    top.receive(batch);
  };
  return { top, send };
}

const WEB: Row = {
  SRC_IP: "10.0.0.1",
  DST_IP: "192.0.2.1",
  SRC_PORT: 50_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 3,
  PACKETS_REV: 4,
  BYTES: 100,
  BYTES_REV: 900,
};
const DNS: Row = {
  ...WEB,
  DST_IP: "2001:db8::53",
  SRC_IP: "2001:db8::1",
  DST_PORT: 53,
  PROTOCOL: 17,
  BYTES: 50,
  BYTES_REV: 0,
};

test("FlowTop shows nothing before it has seen a flow", () => {
  expect(new FlowTop().view(10)).toEqual({ seconds: 0, talkers: [], ports: [] });
});

test("FlowTop sums both directions once for each end of a flow, and once for its service", () => {
  const { top, send } = topOf();
  send(WEB, DNS, { ...WEB, DST_IP: "192.0.2.2" });
  expect(top.view(10)).toEqual({
    seconds: 0,
    talkers: [
      { ip: "10.0.0.1", bytes: 2000, packets: 14, flows: 2 },
      { ip: "192.0.2.1", bytes: 1000, packets: 7, flows: 1 },
      { ip: "192.0.2.2", bytes: 1000, packets: 7, flows: 1 },
      { ip: "2001:db8::1", bytes: 50, packets: 7, flows: 1 },
      { ip: "2001:db8::53", bytes: 50, packets: 7, flows: 1 },
    ],
    ports: [
      { protocol: 6, port: 443, bytes: 2000, packets: 14, flows: 2 },
      { protocol: 17, port: 53, bytes: 50, packets: 7, flows: 1 },
    ],
  });
  expect(top.view(1).talkers).toHaveLength(1);
  expect(top.view(1).ports).toHaveLength(1);
});

test("FlowTop counts an address that speaks to itself once, and tells protocols of a port apart", () => {
  const { top, send } = topOf();
  send({ ...WEB, DST_IP: "10.0.0.1" }, { ...WEB, PROTOCOL: 255, DST_PORT: 65_535, BYTES: 0 });
  expect(top.view(1).talkers).toEqual([{ ip: "10.0.0.1", bytes: 1900, packets: 14, flows: 2 }]);
  expect(top.view(2).ports.map(({ protocol, port }) => [protocol, port])).toEqual([
    [6, 443],
    [255, 65_535],
  ]);
});

test("FlowTop forgets a flow at latest five minutes after its minute began", () => {
  const { top, send } = topOf();
  send(WEB);
  top.advance(START + MINUTE / 2);
  send(WEB);
  top.advance(START + MINUTE);
  send(DNS);
  top.advance(START + 5 * MINUTE - 1);
  expect(top.view(1)).toMatchObject({ seconds: 270, ports: [{ port: 443, flows: 2 }] });
  top.advance(START + 5 * MINUTE);
  expect(top.view(9)).toMatchObject({ seconds: 240, ports: [{ port: 53, flows: 1 }] });
  expect(top.view(9).talkers.map(({ ip }) => ip)).toEqual(["2001:db8::1", "2001:db8::53"]);
  top.advance(START + 6 * MINUTE);
  expect(top.view(9)).toEqual({ seconds: 240, talkers: [], ports: [] });
});

test("FlowTop forgets everything when event time leaps, and nothing when it is told again", () => {
  const { top, send } = topOf();
  top.advance(START);
  send(WEB);
  top.advance(START);
  top.advance(START - 100 * MINUTE);
  expect(top.view(1)).toMatchObject({ seconds: 0, talkers: [{ ip: "10.0.0.1" }] });
  top.advance(START + 1e6 * MINUTE);
  expect(top.view(1)).toEqual({ seconds: 240, talkers: [], ports: [] });
});

test("FlowTop takes uniflows, in any layout", () => {
  const { top, send } = topOf(
    template(
      "uint8 PROTOCOL, uint16 DST_PORT, ipaddr DST_IP, ipaddr SRC_IP, uint64 BYTES, uint32 PACKETS",
    ),
  );
  const { SRC_IP, DST_IP, DST_PORT, PROTOCOL } = WEB as Required<typeof WEB>;
  send({
    SRC_IP: SRC_IP!,
    DST_IP: DST_IP!,
    DST_PORT: DST_PORT!,
    PROTOCOL: PROTOCOL!,
    BYTES: 7,
    PACKETS: 1,
  });
  expect(top.view(1)).toEqual({
    seconds: 0,
    talkers: [{ ip: "10.0.0.1", bytes: 7, packets: 1, flows: 1 }],
    ports: [{ protocol: 6, port: 443, bytes: 7, packets: 1, flows: 1 }],
  });
});

test("FlowTop refuses records that are no flows", () => {
  expect(() => new FlowTop().announce(template("ipaddr SRC_IP, uint64 BYTES"))).toThrow("DST_PORT");
});

test("FlowTop passes over records that are cut off, and counts them", () => {
  const { top, send } = topOf();
  const batch = new Batch();
  batch.push(5);
  top.receive(batch);
  send(WEB);
  expect(top.malformed).toBe(1);
  expect(top.view(1).talkers[0]!.flows).toBe(1);
});

test("FlowTop's view is plain data", () => {
  const { top, send } = topOf();
  send(WEB, DNS);
  expect(structuredClone(top.view(5))).toEqual(top.view(5));
  expect(JSON.parse(JSON.stringify(top.view(5)))).toEqual(top.view(5));
});
