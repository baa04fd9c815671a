// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, jsonValue, property } from "fast-check";
import { playLog } from "../core/flow-log/testing/play-log.ts";
import { testModule } from "../core/testing/declaration-kit.ts";
import suricataImport from "./suricata-import.ts";

testModule(suricataImport);

const folder = mkdtempSync(join(tmpdir(), "nemean-suricata-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function read(events: readonly unknown[], params: Readonly<Record<string, unknown>> = {}) {
  const path = join(folder, `${files++}.json`);
  writeFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  return playLog(suricataImport, { files: path, ...params });
}

const EVENT = {
  timestamp: "2024-01-01T00:01:00.000000+0000",
  flow_id: 1,
  event_type: "flow",
  src_ip: "192.0.2.1",
  src_port: 40_000,
  dest_ip: "198.51.100.2",
  dest_port: 443,
  proto: "TCP",
  flow: {
    pkts_toserver: 8,
    pkts_toclient: 7,
    bytes_toserver: 432,
    bytes_toclient: 2300,
    start: "2024-01-01T01:00:00.123456+0100",
    end: "2024-01-01T00:00:01.623456+0000",
    state: "closed",
    reason: "timeout",
  },
  ether: { src_macs: ["02:01:02:03:04:05"], dest_macs: ["02:01:02:03:04:06"] },
  tcp: { tcp_flags: "1f", tcp_flags_ts: "1b", tcp_flags_tc: "13" },
};
const FLOW = {
  SRC_IP: "192.0.2.1",
  DST_IP: "198.51.100.2",
  SRC_PORT: 40_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  PACKETS: 8,
  PACKETS_REV: 7,
  BYTES: 432,
  BYTES_REV: 2300,
  TIME_FIRST: 1_704_067_200_123_456,
  TIME_LAST: 1_704_067_201_623_456,
  TCP_FLAGS: 0x1b,
  TCP_FLAGS_REV: 0x13,
  SRC_MAC: "02:01:02:03:04:05",
  DST_MAC: "02:01:02:03:04:06",
  LINK_BIT_FIELD: 1,
  DIR_BIT_FIELD: 0,
  FLOW_END_REASON: 3,
};

test("suricata-import reads flows, and passes over all other events", () => {
  const { rows, warned, runner } = read([{ event_type: "dns" }, EVENT, { event_type: "stats" }]);
  expect(rows).toEqual([FLOW]);
  expect(warned).toEqual([]);
  expect(runner.counters.get("events_other")).toBe(2);
});

const icmp = {
  proto: "ICMP",
  src_port: undefined,
  dest_port: undefined,
  icmp_type: 3,
  icmp_code: 1,
};
test.each([
  [icmp, { PROTOCOL: 1, SRC_PORT: 0, DST_PORT: 769 }],
  [{ ...icmp, proto: "IPv6-ICMP", src_ip: "fe80::1", dest_ip: "ff02::1" }, { PROTOCOL: 58 }],
  [
    { proto: "UDP", tcp: undefined },
    { PROTOCOL: 17, TCP_FLAGS: 0 },
  ],
  [
    { proto: "047", dest_port: undefined, src_port: undefined },
    { PROTOCOL: 47, DST_PORT: 0 },
  ],
  [{ flow: { ...EVENT.flow, state: "new" } }, { FLOW_END_REASON: 1 }],
  [{ flow: { ...EVENT.flow, reason: "shutdown" } }, { FLOW_END_REASON: 4 }],
  [{ flow: { ...EVENT.flow, emergency: true } }, { FLOW_END_REASON: 5 }],
  [{ flow: { ...EVENT.flow, end: undefined } }, { TIME_LAST: 1_704_067_260_000_000 }],
  [{ ether: null }, { SRC_MAC: "00:00:00:00:00:00" }],
])("suricata-import reads %o", (changes, wanted) => {
  expect(read([{ ...EVENT, ...changes }]).rows).toMatchObject([wanted]);
});

test("suricata-import reads flows of one direction where it is told", () => {
  const { pkts_toserver: pkts, bytes_toserver: bytes, start, end } = EVENT.flow;
  const netflow = {
    ...EVENT,
    event_type: "netflow",
    flow: undefined,
    netflow: { pkts, bytes, start, end },
    tcp: { tcp_flags: "02" },
  };
  expect(read([netflow, EVENT]).rows).toEqual([FLOW]);
  expect(read([netflow, EVENT], { events: "netflow" }).rows).toEqual([
    { ...FLOW, PACKETS_REV: 0, BYTES_REV: 0, TCP_FLAGS: 2, TCP_FLAGS_REV: 0, FLOW_END_REASON: 1 },
  ]);
});

test.each([
  [[1], "no JSON object"],
  [{ ...EVENT, src_ip: 5 }, "source is no address: 5"],
  [{ ...EVENT, flow: undefined }, "no time, or one that is none"],
  [
    { ...EVENT, flow: { ...EVENT.flow, start: "2024-13-45T00:00:00" } },
    "no time, or one that is none",
  ],
  [{ ...EVENT, proto: "nonsense" }, 'protocol: "nonsense"'],
  [{ ...EVENT, dest_port: -1 }, "ports: 40000 and -1"],
])("suricata-import leaves out %j and says why", (event, why) => {
  const { rows, warned } = read([EVENT, event, EVENT]);
  expect(rows).toEqual([FLOW, FLOW]);
  expect(warned).toHaveLength(1);
  expect(warned[0]).toEndWith(`.json: line 2: ${why}; skipped`);
});

test("suricata-import never throws, whatever values an event has", () => {
  const any = jsonValue();
  assert(
    property(any, any, any, any, (one, two, three, four) => {
      const events = [
        one,
        { event_type: "flow", flow: two, tcp: three, ether: four },
        { ...EVENT, src_ip: one, flow: { ...EVENT.flow, start: two }, proto: three },
        { ...EVENT, dest_port: one, tcp: two, ether: three, flow: four },
        { ...EVENT, flow: { ...EVENT.flow, pkts_toserver: one, bytes_toclient: two, end: three } },
        EVENT,
      ];
      expect(read(events).rows.at(-1)).toEqual(FLOW);
    }),
    { numRuns: 300 },
  );
});
