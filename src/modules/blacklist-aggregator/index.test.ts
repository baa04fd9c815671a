// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { RECORD_MAX } from "../../core/batch.ts";
import { ManualClock } from "../../core/clock.ts";
import { ModuleRunner } from "../../core/runner.ts";
import { testModule } from "../../core/testing/declaration-kit.ts";
import { parseTemplate, type Template } from "../../core/unirec/template.ts";
import { packed } from "../../core/unirec/test-kit.ts";
import { SECOND } from "../../core/unirec/time.ts";
import aggregator from "./index.ts";

testModule(aggregator);

/** A multiple of five minutes. */
const START = 1_704_067_200;
const { ip, url } = aggregator.inputs;
type Row = Readonly<Record<string, unknown>>;

const times = (from: number, to: number): Row => ({
  TIME_FIRST: (START + from) * SECOND,
  TIME_LAST: (START + to) * SECOND,
});
const without = ({ spec }: Template, ...names: string[]): Template =>
  parseTemplate(
    spec
      .split(",")
      .filter((field) => !names.includes(field.split(" ")[1]!))
      .join(),
  );
/** What an aggregator in between sends, and what the detector itself does. */
const counted = without(ip, "SRC_PORT");
const plain = without(ip, "COUNT");

/** 10.0.0.1 has sent three flows to port 443 of 198.51.100.7, which is on the third list. */
const toListed = (more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "198.51.100.7",
  SRC_PORT: 50_000,
  DST_PORT: 443,
  PROTOCOL: 6,
  DST_BLACKLIST: 4,
  BYTES: 900,
  PACKETS: 9,
  COUNT: 3,
  ...times(10, 20),
  ...more,
});
/** 198.51.100.7 has sent two flows to 10.0.0.1. */
const fromListed = (more: Row = {}): Row => ({
  SRC_IP: "198.51.100.7",
  DST_IP: "10.0.0.1",
  SRC_PORT: 443,
  DST_PORT: 50_000,
  PROTOCOL: 6,
  SRC_BLACKLIST: 4,
  BYTES: 5000,
  PACKETS: 10,
  COUNT: 2,
  ...times(12, 25),
  ...more,
});
const request = (more: Row = {}): Row => ({
  SRC_IP: "10.0.0.1",
  DST_IP: "198.51.100.8",
  DST_PORT: 80,
  PROTOCOL: 6,
  BLACKLIST: 1,
  BYTES: 700,
  PACKETS: 7,
  HTTP_REQUEST_HOST: "www.bad.example",
  HTTP_REQUEST_URL: "/x?y=1",
  HTTP_REQUEST_REFERER: "http://from.example/",
  ...times(10, 20),
  ...more,
});

const ipEvent = (more: Row = {}): Row => ({
  type: "ip",
  source: "198.51.100.7",
  ts_first: START + 10,
  ts_last: START + 20,
  protocol: 6,
  source_ports: [443],
  targets: ["10.0.0.1"],
  src_sent_bytes: 0,
  src_sent_flows: 0,
  src_sent_packets: 0,
  tgt_sent_bytes: 900,
  tgt_sent_flows: 3,
  tgt_sent_packets: 9,
  blacklist_id: 4,
  agg_win_minutes: 5,
  ...more,
});
const urlEvent = (more: Row = {}): Row => ({
  type: "url",
  source_ip: "198.51.100.8",
  source_url: "www.bad.example/x?y=1",
  referer: "http://from.example/",
  is_only_fqdn: false,
  ts_first: START + 10,
  ts_last: START + 20,
  protocol: 6,
  source_ports: [80],
  targets: ["10.0.0.1"],
  src_sent_bytes: 0,
  src_sent_flows: 0,
  src_sent_packets: 0,
  tgt_sent_bytes: 700,
  tgt_sent_flows: 1,
  tgt_sent_packets: 7,
  blacklist_id: 1,
  agg_win_minutes: 5,
  ...more,
});

function running(params: Row = {}, layout = counted) {
  const runner = new ModuleRunner(aggregator, {
    params,
    clock: new ManualClock(START * SECOND),
  });
  const messages: unknown[] = [];
  runner.outputs["events"]!.link({
    receive({ bytes, view, start, length }) {
      for (let at = start; at < start + length; ) {
        const size = view.getUint16(at);
        messages.push(JSON.parse(new TextDecoder().decode(bytes.subarray(at + 2, at + 2 + size))));
        expect(size).toBeLessThanOrEqual(RECORD_MAX);
        at += 2 + size;
      }
    },
    advance: () => {},
    end: () => messages.push("end"),
  });
  const inputs = { ip: runner.inputs["ip"]!, url: runner.inputs["url"]! };
  inputs.ip.announce(layout);
  inputs.url.announce(url);
  const give = (name: keyof typeof inputs, template: Template, rows: readonly Row[]): void => {
    for (let i = 0; i < rows.length; i += 500)
      inputs[name].receive(packed(template, rows.slice(i, i + 500)));
  };
  const fields = new Set(layout.fields.map(({ name }) => name));
  return {
    runner,
    inputs,
    takeIp: (...rows: Row[]) =>
      give(
        "ip",
        layout,
        rows.map((row) => Object.fromEntries(Object.entries(row).filter(([n]) => fields.has(n)))),
      ),
    takeUrl: (...rows: Row[]) => give("url", url, rows),
    /** What is sent until the event time of both inputs has come so far. */
    at(seconds: number) {
      for (const input of Object.values(inputs)) input.advance((START + seconds) * SECOND);
      return messages.splice(0);
    },
    /** What is sent until the wall clock has come so far. */
    wall(seconds: number) {
      runner.tick((START + seconds) * SECOND);
      return messages.splice(0);
    },
    end() {
      inputs.ip.end();
      const early = messages.length;
      inputs.url.end();
      expect(messages.slice(0, early)).not.toContain("end");
      return messages.splice(0);
    },
    sent: () => messages.splice(0),
  };
}

describe("listed addresses", () => {
  test("blacklist-aggregator makes one event of what was sent to a listed address and by it", () => {
    const { takeIp, end } = running();
    takeIp(
      toListed(),
      fromListed(),
      toListed({ SRC_IP: "2001:db8::1", DST_PORT: 80, ...times(5, 6) }),
    );
    expect(end()).toEqual([
      ipEvent({
        ts_first: START + 5,
        ts_last: START + 25,
        source_ports: [443, 80],
        targets: ["10.0.0.1", "2001:db8::1"],
        src_sent_bytes: 5000,
        src_sent_flows: 2,
        src_sent_packets: 10,
        tgt_sent_bytes: 1800,
        tgt_sent_flows: 6,
        tgt_sent_packets: 18,
      }),
      "end",
    ]);
  });

  test("blacklist-aggregator makes an event for each list, to the last of 64", () => {
    const { takeIp, end } = running();
    takeIp(toListed({ DST_BLACKLIST: 2n ** 63n + 2n ** 53n + 1n }));
    const lists = (end() as { blacklist_id: number }[]).map((event) => event.blacklist_id);
    expect(lists).toEqual([1, 2 ** 53, 2 ** 63, undefined as never]);
  });

  test("blacklist-aggregator keeps protocols and addresses apart", () => {
    const { takeIp, end } = running();
    takeIp(toListed(), toListed({ PROTOCOL: 17 }), toListed({ DST_IP: "2001:db8::7" }));
    expect(end()).toEqual([
      ipEvent(),
      ipEvent({ protocol: 17 }),
      ipEvent({ source: "2001:db8::7" }),
      "end",
    ]);
  });

  test("blacklist-aggregator makes two events of a flow of which both ends are listed", () => {
    const { takeIp, end } = running();
    takeIp(toListed({ SRC_BLACKLIST: 1 }));
    expect(end()).toEqual([
      ipEvent({
        source: "10.0.0.1",
        targets: ["198.51.100.7"],
        source_ports: [],
        src_sent_bytes: 900,
        src_sent_flows: 3,
        src_sent_packets: 9,
        tgt_sent_bytes: 0,
        tgt_sent_flows: 0,
        tgt_sent_packets: 0,
        blacklist_id: 1,
      }),
      ipEvent(),
      "end",
    ]);
  });

  test("blacklist-aggregator makes nothing of an alert without a list", () => {
    const { takeIp, end } = running();
    takeIp(toListed({ DST_BLACKLIST: 0 }));
    expect(end()).toEqual(["end"]);
  });

  test("blacklist-aggregator takes alerts of the detector itself, a flow each and with both ports", () => {
    const { takeIp, end } = running({}, plain);
    takeIp(fromListed(), fromListed(), fromListed({ SRC_PORT: 50_001 }));
    expect(end()).toEqual([
      ipEvent({
        ts_first: START + 12,
        ts_last: START + 25,
        src_sent_bytes: 15_000,
        src_sent_flows: 3,
        src_sent_packets: 30,
        tgt_sent_bytes: 0,
        tgt_sent_flows: 0,
        tgt_sent_packets: 0,
      }),
      "end",
    ]);
  });

  test("blacklist-aggregator leaves out the ports of clients", () => {
    const { takeIp, end } = running();
    takeIp(toListed({ DST_PORT: 49_153 }), toListed({ DST_PORT: 49_152 }));
    expect((end()[0] as { source_ports: unknown }).source_ports).toEqual([49_152]);
  });

  test("blacklist-aggregator names a hundred ports and counts the others", () => {
    const { runner, takeIp, end } = running();
    takeIp(...Array.from({ length: 150 }, (_, i) => toListed({ DST_PORT: i })));
    const [event] = end() as { source_ports: number[]; tgt_sent_flows: number }[];
    expect(event!.source_ports).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(event!.tgt_sent_flows).toBe(450);
    expect(runner.counters.get("ports_left_out")).toBe(50);
  });
});

describe("listed URLs", () => {
  test("blacklist-aggregator makes one event of all who asked for a listed URL", () => {
    const { takeUrl, end } = running();
    takeUrl(
      request(),
      request({
        SRC_IP: "10.0.0.2",
        HTTP_REQUEST_HOST: "BAD.example",
        DST_PORT: 8080,
        ...times(0, 99),
      }),
      request(),
    );
    expect(end()).toEqual([
      urlEvent({
        ts_first: START,
        ts_last: START + 99,
        source_ports: [80, 8080],
        targets: ["10.0.0.1", "10.0.0.2"],
        tgt_sent_bytes: 2100,
        tgt_sent_flows: 3,
        tgt_sent_packets: 21,
      }),
      "end",
    ]);
  });

  test("blacklist-aggregator takes www. off as a whole, and no more of a name", () => {
    const { takeUrl, end } = running();
    const names = ["www.wow.example", "wow.example", "ow.example", "www.www.wow.example"];
    takeUrl(...names.map((HttpRequestHost) => request({ HTTP_REQUEST_HOST: HttpRequestHost })));
    const urls = (end() as { source_url?: string }[]).map((event) => event.source_url);
    expect(urls.slice(0, -1)).toEqual(
      ["www.wow.example", "ow.example", "www.www.wow.example"].map((name) => `${name}/x?y=1`),
    );
  });

  test("blacklist-aggregator keeps URLs, servers, protocols and lists apart", () => {
    const { takeUrl, end } = running();
    takeUrl(
      request({ HTTP_REQUEST_URL: "/" }),
      request({ HTTP_REQUEST_URL: "/z" }),
      request({ DST_IP: "2001:db8::8" }),
      request({ PROTOCOL: 17 }),
      request({ BLACKLIST: 6 }),
    );
    expect(end()).toEqual([
      urlEvent({ source_url: "www.bad.example", is_only_fqdn: true }),
      urlEvent({ source_url: "www.bad.example/z" }),
      urlEvent({ source_ip: "2001:db8::8" }),
      urlEvent({ protocol: 17 }),
      urlEvent({ blacklist_id: 2 }),
      urlEvent({ blacklist_id: 4 }),
      "end",
    ]);
  });

  test("blacklist-aggregator keeps hostile text within JSON and within a record", () => {
    const { runner, takeUrl, end } = running();
    const text = `"\u0001\\\n\u2028${"\u0001".repeat(9000)}`;
    const hostile = { HTTP_REQUEST_HOST: text, HTTP_REQUEST_URL: `/${text}` };
    for (let i = 0; i < 6; i++)
      takeUrl(request({ ...hostile, SRC_IP: `2001:db8::${i}`, HTTP_REQUEST_REFERER: text }));
    const [event] = end() as { source_url: string; targets: string[] }[];
    expect(event!.source_url).toBe(text.slice(0, 1024) + `/${text}`.slice(0, 1024));
    expect(event!.targets).toHaveLength(6);
    expect(runner.counters.get("texts_cut")).toBe(18);
  });
});

describe("bounds", () => {
  test("blacklist-aggregator divides what has more targets than one message holds, and its sums", () => {
    const { takeIp, sent, end } = running();
    const target = (i: number) => `2001:db8:ffff:ffff:ffff:ffff:${4096 + (i >>> 8)}:${i & 255}`;
    takeIp(...Array.from({ length: 2001 }, (_, i) => toListed({ SRC_IP: target(i) })));
    const parts = [...sent(), ...end()].slice(0, -1) as Record<string, string[]>[];
    expect(parts.map(({ targets, tgt_sent_flows }) => [targets!.length, tgt_sent_flows])).toEqual([
      [1000, 3000],
      [1000, 3000],
      [1, 3],
    ] as never);
    expect(new Set(parts.flatMap(({ targets }) => targets!)).size).toBe(2001);
  });

  test("blacklist-aggregator sends the oldest event when there are too many targets, and loses none", () => {
    const { runner, takeIp, sent, end } = running({ targetsMax: 16 });
    const address = (i: number): string => `198.51.100.${i}`;
    takeIp(...Array.from({ length: 100 }, (_, i) => toListed({ DST_IP: address(i) })));
    const early = sent();
    expect(early).toHaveLength(84);
    expect(runner.counters.get("events_early")).toBe(84);
    expect([...early, ...end()]).toEqual([
      ...Array.from({ length: 100 }, (_, i) => ipEvent({ source: address(i) })),
      "end",
    ]);
  });
});

describe("windows", () => {
  test("blacklist-aggregator sends its events when the event time of both inputs leaves the window", () => {
    const { inputs, takeIp, takeUrl, at, sent, end } = running();
    at(0);
    takeIp(toListed());
    takeUrl(request());
    expect(at(299.9)).toEqual([]);
    inputs.ip.advance((START + 310) * SECOND);
    expect(sent()).toEqual([]);
    expect(at(310)).toEqual([ipEvent(), urlEvent()]);
    expect(at(9000)).toEqual([]);
    expect(end()).toEqual(["end"]);
  });

  test("blacklist-aggregator takes as many minutes as it is told, and says so", () => {
    const { takeIp, at } = running({ minutes: 1 });
    at(0);
    takeIp(toListed());
    expect(at(59)).toEqual([]);
    expect(at(60)).toEqual([ipEvent({ agg_win_minutes: 1 })]);
  });

  test("blacklist-aggregator sends what it has once nothing has come for a window of wall time", () => {
    const { takeIp, takeUrl, wall } = running();
    expect(wall(0)).toEqual([]);
    takeIp(toListed());
    expect(wall(1)).toEqual([]);
    takeUrl(request());
    expect(wall(2)).toEqual([]);
    expect(wall(301)).toEqual([]);
    expect(wall(302)).toEqual([ipEvent(), urlEvent()]);
    expect(wall(5000)).toEqual([]);
  });

  test("blacklist-aggregator announces JSON of its name", () => {
    const { runner } = running();
    expect(runner.outputs["events"]!.template).toMatchObject({
      format: "json",
      spec: "aggregated_blacklist",
    });
  });
});
