// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import {
  type Bytes,
  batchOf,
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  MAC_A,
  MAC_B,
  tcp,
  udp,
  vlan,
  zeros,
} from "../packet/test-kit.ts";
import { SECOND } from "../unirec/time.ts";
import { Meter, type MeterOptions } from "./meter.ts";
import { type FlowRow, FlowRows } from "./test-kit.ts";

const START = 1_700_000_000 * SECOND;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const REASON = { idle: 1, active: 2, end: 3, forced: 4, resources: 5 } as const;

/** `reason packets/reverse` of a flow. */
const summary = ({ FLOW_END_REASON, PACKETS, PACKETS_REV }: FlowRow): string =>
  `${FLOW_END_REASON} ${PACKETS}/${PACKETS_REV}`;

/** Plays frames at seconds after the start; what has left so far is in `rows`. */
class Played {
  readonly meter: Meter;
  readonly flows: FlowRows;

  constructor(options: MeterOptions = {}) {
    this.meter = new Meter({ flowsMax: 64, ...options });
    this.flows = new FlowRows(this.meter);
  }

  at(second: number, ...frames: readonly Bytes[]): this {
    const batch = batchOf(frames);
    batch.time.fill(START + second * SECOND);
    this.meter.frames(batch);
    return this;
  }

  /** The flows that have left so far. */
  get left(): string[] {
    this.meter.flows.flush();
    return this.flows.rows.map(summary);
  }

  end(): readonly FlowRow[] {
    this.meter.end();
    return this.flows.rows;
  }
}

const ip = (packet: Bytes): Bytes => ethernet(ETHERTYPE.ipv4, packet);
const ask = (port = 1000): Bytes => ip(ipv4(udp(port, 53, zeros(12))));
const answer = (port = 1000): Bytes =>
  ethernet(
    ETHERTYPE.ipv4,
    ipv4(udp(53, port, zeros(72)), { source: "192.0.2.2", target: "192.0.2.1" }),
    MAC_B,
    MAC_A,
  );
const send = (flags: number): Bytes => ip(ipv4(tcp(40000, 80, flags), { protocol: 6 }));
const reply = (flags: number): Bytes =>
  ip(ipv4(tcp(80, 40000, flags), { protocol: 6, source: "192.0.2.2", target: "192.0.2.1" }));

describe("Meter, biflows:", () => {
  test("Meter sends one biflow of a question and its answer, the asker as source", () => {
    const [row, ...others] = new Played().at(0, ask()).at(0.25, answer()).at(0.5, answer()).end();
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      SRC_IP: "192.0.2.1",
      DST_IP: "192.0.2.2",
      SRC_PORT: 1000,
      DST_PORT: 53,
      PROTOCOL: 17,
      PACKETS: 1,
      PACKETS_REV: 2,
      BYTES: 40,
      BYTES_REV: 200,
      TIME_FIRST: START,
      TIME_LAST: START + 500_000,
      SRC_MAC: "02:00:00:00:00:0a",
      DST_MAC: "02:00:00:00:00:0b",
      LINK_BIT_FIELD: 0,
      DIR_BIT_FIELD: 0,
    });
  });

  test("Meter takes who is seen first for the source, also when it is the higher address", () => {
    const [row] = new Played().at(0, answer()).at(1, ask()).end();
    expect(row).toMatchObject({ SRC_IP: "192.0.2.2", SRC_PORT: 53, PACKETS: 1, BYTES: 100 });
    expect(row).toMatchObject({ SRC_MAC: "02:00:00:00:00:0b", DST_MAC: "02:00:00:00:00:0a" });
  });

  test("Meter keeps TCP flags of both directions apart", () => {
    const [row] = new Played().at(0, send(SYN), reply(SYN | ACK), send(ACK | 8)).end();
    expect(row).toMatchObject({ TCP_FLAGS: 0x1a, TCP_FLAGS_REV: 0x12 });
  });

  test("Meter keeps flows of different VLANs apart unless told not to", () => {
    const tag = (id: number): Bytes =>
      ethernet(ETHERTYPE.vlan, vlan(id, ETHERTYPE.ipv4, ipv4(udp(1000, 53))));
    expect(new Played().at(0, tag(5), tag(6), ask()).end().length).toBe(3);
    expect(new Played({ vlanInKey: false }).at(0, tag(5), tag(6), ask()).end().length).toBe(1);
  });

  test("Meter sends whole IPv6 addresses and zero MACs where there are none", () => {
    const played = new Played();
    const batch = batchOf(
      [ipv6(udp(1, 2), { source: "fe80::1:2:3:4", target: "2001:db8::8" })],
      101,
    );
    played.meter.frames(batch);
    expect(played.end()[0]).toMatchObject({
      SRC_IP: "fe80::1:2:3:4",
      DST_IP: "2001:db8::8",
      SRC_MAC: "00:00:00:00:00:00",
      DST_MAC: "00:00:00:00:00:00",
    });
  });

  test.each([0, 31, 32, 63])(
    "Meter marks its flows with bit %d of the observation link",
    (link) => {
      const [row] = new Played({ link, direction: 1 }).at(0, ask()).end();
      expect(row).toMatchObject({ LINK_BIT_FIELD: 2 ** link, DIR_BIT_FIELD: 1 });
    },
  );

  test("Meter counts bytes beyond 4 GiB", () => {
    const played = new Played();
    const big = ipv4(udp(1, 2), { length: 0xffff });
    const batch = batchOf(new Array<Bytes>(256).fill(big), 101, START);
    for (let turn = 0; turn < 300; turn++) played.meter.frames(batch);
    expect(played.end()[0]).toMatchObject({ PACKETS: 76_800, BYTES: 76_800 * 65_535 });
  });

  test("Meter counts what is not in a flow by its reason, and all packets and bytes", () => {
    const played = new Played().at(0, ask(), ethernet(ETHERTYPE.arp, zeros(46)), zeros(10));
    played.meter.frames(batchOf([zeros(20)], 147));
    expect(played.meter.stats()).toMatchObject({
      packets: 4,
      bytes: 54 + 60 + 10 + 20,
      ignored: { nonIp: 1, malformed: 1, unknownLink: 1 },
      live: 1,
    });
  });
});

describe("Meter, flow end:", () => {
  const timeouts = { active: 20, idle: 5 };

  test("Meter sends a flow once it was silent for the idle timeout", () => {
    const played = new Played(timeouts).at(0, ask()).at(4.9, ask(2000));
    expect(played.left).toEqual([]);
    expect(played.at(5.1, ask(2000)).left).toEqual(["1 1/0"]);
  });

  test("Meter begins a flow anew when a packet comes after the idle timeout", () => {
    const rows = new Played({ active: 20, idle: 0.5 }).at(0.1, ask()).at(0.7, ask()).end();
    expect(rows.map((row) => [row.FLOW_END_REASON, row.TIME_FIRST - START])).toEqual([
      [REASON.idle, 100_000],
      [REASON.forced, 700_000],
    ]);
  });

  test("Meter sends a long flow at each active timeout and goes on with it", () => {
    const played = new Played(timeouts);
    for (let second = 0; second < 45; second += 4) played.at(second, ask());
    const rows = played.end();
    expect(rows.map((row) => row.FLOW_END_REASON)).toEqual([2, 2, 4]);
    expect(rows.map((row) => row.PACKETS)).toEqual([5, 5, 2]);
    for (const row of rows) expect(row.TIME_LAST - row.TIME_FIRST).toBeLessThan(20 * SECOND);
  });

  test("Meter says forced of what lived at the end, end of TCP that was over", () => {
    const rows = new Played().at(0, ask(), send(SYN), reply(RST | ACK)).end();
    expect(rows.map((row) => row.FLOW_END_REASON).sort()).toEqual([REASON.end, REASON.forced]);
  });

  test("Meter says end of TCP after FIN from both sides or RST from one, not of one FIN", () => {
    const close = (...frames: Bytes[]): string[] =>
      new Played(timeouts).at(0, send(SYN), ...frames).at(9, ask()).left;
    expect(close(send(FIN | ACK), reply(FIN | ACK))).toEqual(["3 2/1"]);
    expect(close(reply(RST))).toEqual(["3 1/1"]);
    expect(close(send(RST))).toEqual(["3 2/0"]);
    expect(close(send(FIN | ACK), reply(ACK))).toEqual(["1 2/1"]);
  });

  test("Meter begins a new flow at a SYN after the end, and takes stragglers before it", () => {
    const played = new Played(timeouts)
      .at(0, send(SYN), reply(SYN | ACK), send(RST))
      .at(1, reply(ACK), send(SYN));
    expect(played.left).toEqual(["3 2/2"]);
    expect(played.end()[1]).toMatchObject({ PACKETS: 1, TCP_FLAGS: SYN, FLOW_END_REASON: 4 });
  });

  test("Meter takes a SYN in a flow that goes on for one of its packets", () => {
    expect(new Played(timeouts).at(0, send(SYN)).at(1, send(SYN)).end().length).toBe(1);
  });

  test("Meter sends TCP that is over after its linger, when one is set", () => {
    const over = (options: MeterOptions): Played =>
      new Played({ ...timeouts, ...options }).at(0, send(SYN), reply(RST)).at(0.5, ask());
    expect(over({ linger: 1 }).at(1.9, ask(2)).left).toEqual(["3 1/1"]);
    expect(over({}).at(1.9, ask(2)).left).toEqual([]);
    expect(over({}).at(5.1, ask(2)).left).toEqual(["3 1/1"]);
  });

  test("Meter sends a packet that is alone, and SYNs that nobody answers, soon after the first, when told to", () => {
    const brief = new Played({ ...timeouts, brief: 2 });
    brief.at(0, ask(), send(SYN)).at(1, send(SYN)).at(2, ask(9));
    expect(brief.left.sort()).toEqual(["1 1/0", "1 2/0"]);
    const kept = new Played({ ...timeouts, brief: 2 });
    kept.at(0, ask(1), ask(1), send(SYN), reply(SYN | ACK)).at(2.5, ask(9));
    expect(kept.left).toEqual([]);
    expect(new Played(timeouts).at(0, ask(), send(SYN)).at(2.5, ask(9)).left).toEqual([]);
    expect(new Played({ ...timeouts, brief: 0 }).at(0, ask()).at(2.5, ask(9)).left).toEqual([]);
  });

  test("Meter takes what comes after a brief flow has ended as another flow, swept or not", () => {
    const played = new Played({ ...timeouts, brief: 2 });
    expect(played.at(0.9, ask()).at(2.95, ask()).end()).toHaveLength(2);
  });

  test("Meter with a full table lets a flow of few packets go and says why", () => {
    const played = new Played({ flowsMax: 3 });
    for (const port of [1, 2, 3]) played.at(0, ask(port), ask(port));
    played.at(1, ask(4)).at(2, ask(5));
    expect(played.left).toEqual(["5 2/0", "5 1/0"]);
    expect(played.meter.stats()).toMatchObject({ evicted: 2, live: 3, peak: 3 });
  });
});

describe("Meter, capture time:", () => {
  test("Meter takes packets out of order into their flow and moves its beginning", () => {
    const [row, ...others] = new Played().at(10, ask()).at(9.5, answer()).at(9.8, ask()).end();
    expect(others).toEqual([]);
    expect(row).toMatchObject({ TIME_FIRST: START + 9.5 * SECOND, TIME_LAST: START + 10 * SECOND });
    expect(row).toMatchObject({ SRC_PORT: 1000, PACKETS: 2, PACKETS_REV: 1 });
  });

  test("Meter begins a flow anew at a packet more than a minute older than its first one", () => {
    const late = (second: number): string[] =>
      new Played().at(100, ask()).at(second, ask()).end().map(summary);
    expect(late(40)).toEqual(["4 2/0"]);
    expect(late(39.9)).toEqual(["4 1/0", "4 1/0"]);
  });

  test("Meter ends all flows and goes on when time goes back beyond the active timeout", () => {
    const played = new Played({ active: 20, idle: 5 }).at(100, ask(1), ask(2)).at(10, ask(1));
    expect(played.left).toEqual(["4 1/0", "4 1/0"]);
    expect(played.meter.stats()).toMatchObject({ clockJumps: 1, live: 1 });
    expect(played.at(16, ask(3)).left).toEqual(["4 1/0", "4 1/0", "1 1/0"]);
  });

  test.each([
    ["on by an hour", 3600],
    ["back by an hour", -3600],
    ["back to 1970", -START / SECOND],
  ])("Meter ends flows on time after the clock was set %s, with and without packets", (_, jump) => {
    const played = new Played({ active: 20, idle: 5 });
    // Two that go on over the jump, one by packets and one by none.
    played.at(0, ask(1), ask(2)).at(1 + jump, ask(1));
    expect(played.left).toHaveLength(2);
    played.at(6.5 + jump, ask(3));
    expect(played.left).toHaveLength(3);
    const silent = new Played({ active: 20, idle: 5 }).at(0, ask(1));
    silent.meter.advance(START + (1 + jump) * SECOND);
    expect(silent.left).toHaveLength(1);
    silent.at(2 + jump, ask(2));
    silent.meter.advance(START + (8 + jump) * SECOND);
    expect(silent.left).toHaveLength(2);
    for (const { TIME_FIRST, TIME_LAST } of [...played.end(), ...silent.end()])
      expect(TIME_LAST).toBeGreaterThanOrEqual(TIME_FIRST);
  });

  test("Meter leaps over years without a packet", () => {
    const played = new Played().at(0, ask()).at(1e8, ask());
    expect(played.left).toEqual(["1 1/0"]);
  });

  test("Meter tells the time it has come to, with and without packets", () => {
    const played = new Played({ active: 20, idle: 5 });
    played.meter.advance(START);
    expect(played.flows.watermarks).toEqual([]);
    played.at(0.5, ask());
    played.meter.advance(START + 3 * SECOND);
    expect(played.flows.watermarks.at(-1)).toBe(START + (3 - 6) * SECOND);
    expect(played.left).toEqual([]);
    played.meter.advance(START + 6 * SECOND);
    expect(played.left).toEqual(["1 1/0"]);
    expect(played.flows.watermarks.at(-1)).toBe(START);
    const told = played.flows.watermarks.length;
    played.meter.advance(START + 5 * SECOND);
    expect(played.flows.watermarks.length).toBe(told);
  });
});

test.each<[string, number, Bytes]>([
  ["LINUX_SLL", 113, [0, 0, 0, 1, 0, 6, ...MAC_A, 0, 0, 8, 0]],
  ["LINUX_SLL2", 276, [8, 0, ...zeros(8), 0, 6, ...MAC_A, 0, 0]],
])(
  "a flow of %s has the sender's MAC address, which is all that is told there",
  (_, link, header) => {
    const meter = new Meter({ flowsMax: 64 });
    const { rows } = new FlowRows(meter);
    meter.frames(batchOf([[...header, ...ipv4(udp(1, 2), { protocol: 17 })]], link));
    meter.end();
    expect(rows).toMatchObject([{ SRC_MAC: "02:00:00:00:00:0a", DST_MAC: "00:00:00:00:00:00" }]);
  },
);

test("a flow of LINUX_SLL has no MAC address where that of the link is of another length", () => {
  const meter = new Meter({ flowsMax: 64 });
  const { rows } = new FlowRows(meter);
  const header = [0, 0, 0, 1, 0, 8, ...MAC_A, 1, 1, 8, 0];
  meter.frames(batchOf([[...header, ...ipv4(udp(1, 2), { protocol: 17 })]], 113));
  meter.end();
  expect(rows).toMatchObject([{ SRC_MAC: "00:00:00:00:00:00" }]);
});
