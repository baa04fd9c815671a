// SPDX-License-Identifier: BSD-3-Clause
// Whatever the bytes are, nothing is thrown, nothing behind a datagram is read, and good datagrams between bad ones are decoded.
import { expect, test } from "bun:test";
import { array, assert, constantFrom, integer, oneof, property, tuple } from "fast-check";
import { parseTemplate } from "../unirec/template.ts";
import { RecordWriter } from "../unirec/writer.ts";
import { SflowCollector } from "./sflow-collector.ts";
import {
  ARRIVED,
  counters,
  countersExpanded,
  datagram,
  expanded,
  flow,
  frame,
  gateway,
  header,
  interfaceCounters,
  router,
  segment,
  tcp4,
  told,
  udp6,
  unknown,
  vlans,
} from "./testing/datagrams.ts";

const LAYOUT = parseTemplate(
  "ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint32 PACKETS,uint64 BYTES,uint16 VLAN_ID,uint32 ODID,ipaddr EXPORTER_IP",
);

/** A collector that keeps its flows as bytes. */
class Taker {
  readonly flows: string[] = [];
  readonly collector: SflowCollector;

  constructor() {
    const record = new RecordWriter(LAYOUT);
    const push = (): unknown => this.flows.push(Buffer.from(record.fixed).toString("latin1"));
    this.collector = new SflowCollector({ record, push });
  }

  /** The flows of one datagram. */
  take(view: DataView, length: number): readonly string[] {
    this.flows.length = 0;
    this.collector.datagram(view, length, ARRIVED);
    return [...this.flows];
  }
}

/** One of each thing that is known. */
const GOOD = [
  datagram(
    [
      flow([header(tcp4(1, 2)), vlans(5, 6)], { rate: 10, drops: 3 }),
      counters(interfaceCounters(1), unknown(9)),
      expanded([router("2001:db8::5", 64, 48), header(udp6(3, 4))], { rate: 20 }),
    ],
    { subAgent: 5 },
  ),
  datagram(
    [
      flow([told({ source: "192.0.2.1", target: "192.0.2.9", ports: [7, 8] }), frame(60)]),
      countersExpanded(interfaceCounters(2)),
      unknown(12),
      flow([
        header(tcp4(9, 10)),
        told({ source: "2001:db8::1", target: "2001:db8::2" }),
        gateway("192.0.2.3", { source: 1, path: [segment([2, 3]), segment([4], 1)] }),
      ]),
    ],
    { agent: "2001:db8::77", sequence: 9 },
  ),
];
const VIEWS = GOOD.map((bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
const EXPECTED = VIEWS.map((view) => new Taker().take(view, view.byteLength));
const LONGEST = Math.max(...GOOD.map(({ length }) => length));

/** Somewhere a byte, or a word that somebody might count with. */
const change = tuple(
  integer({ min: 0, max: LONGEST }),
  oneof(
    integer({ min: 0, max: 255 }),
    constantFrom(0x100, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff),
  ),
);
const mutation = tuple(
  integer({ min: 0, max: GOOD.length - 1 }),
  array(change, { minLength: 1, maxLength: 4 }),
  integer({ min: 0, max: LONGEST }),
);

/** The bytes of a good datagram, changed in some places, and often cut. */
function mutated(
  which: number,
  changes: readonly (readonly [at: number, value: number])[],
  cut: number,
): Uint8Array {
  const bytes = Uint8Array.from(GOOD[which]!);
  for (const [at, value] of changes) {
    const place = value > 255 || at % 2 === 0 ? at & ~3 : at;
    if (place + 4 > bytes.length) continue;
    if (place === at && value <= 255) bytes[place] = value;
    else new DataView(bytes.buffer).setUint32(place, value);
  }
  return cut % 3 === 0 ? bytes.slice(0, cut) : bytes;
}

test("SflowCollector throws for no damage, reads nothing behind a datagram, and decodes good ones beside it", () => {
  const exact = new Taker();
  const within = new Taker();
  const room = new Uint8Array(2048);
  let damaged = 0;
  assert(
    property(mutation, ([which, changes, cut]) => {
      const bytes = mutated(which, changes, cut);
      // Exactly as long as it is, a read behind its end would throw; with more behind it, flows would differ.
      const flows = exact.take(new DataView(bytes.buffer), bytes.length);
      room.fill(0xff).set(bytes, 64);
      expect(within.take(new DataView(room.buffer, 64), bytes.length)).toEqual(flows);
      if (flows.join() !== EXPECTED[which]!.join()) damaged++;
      for (const [i, view] of VIEWS.entries())
        expect(exact.take(view, view.byteLength)).toEqual(EXPECTED[i]!);
    }),
    { numRuns: 20_000, seed: 1 },
  );
  const { flows, flowSamples, withoutIp } = exact.collector.counts;
  expect(flows + withoutIp).toBeLessThan(flowSamples);
  // It has to do with flows at all.
  expect(damaged).toBeGreaterThan(5000);
}, 60_000);

test("SflowCollector throws for no bytes at all that begin as sFlow does", () => {
  const taker = new Taker();
  assert(
    property(array(integer({ min: 0, max: 255 }), { maxLength: 300 }), (rest) => {
      const bytes = Uint8Array.from([0, 0, 0, 5, 0, 0, 0, 1, ...rest]);
      taker.take(new DataView(bytes.buffer), bytes.length);
    }),
    { numRuns: 2000, seed: 2 },
  );
  expect(taker.collector.counts.datagrams).toBe(2000);
});
