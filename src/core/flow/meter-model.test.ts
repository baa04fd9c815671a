// SPDX-License-Identifier: BSD-3-Clause
// The meter against one written without caring for speed, on traffic drawn at random.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constantFrom,
  integer,
  nat,
  property,
  record,
} from "fast-check";
import { FRAMES_MAX, FrameBatch } from "../packet/frames.ts";
import {
  type Bytes,
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  tcp,
  udp,
  vlan,
  zeros,
} from "../packet/test-kit.ts";
import { type Packet, ReferenceMeter } from "../testing/reference-meter.ts";
import { SECOND } from "../unirec/time.ts";
import { Meter, type MeterOptions } from "./meter.ts";
import { FlowRows } from "./test-kit.ts";

setDefaultTimeout(30_000);

interface Pair {
  readonly key: string;
  readonly tcp: boolean;
  /** The frame one way or the other, and the bytes of its IP header. */
  readonly frame: (turned: boolean, flags: number, payload: number) => Bytes;
  readonly header: number;
}

interface Talk {
  readonly v6?: boolean;
  readonly tcp?: boolean;
  readonly vlan?: number;
  readonly ports?: readonly [number, number];
  readonly hosts?: readonly [number, number];
}

/** Two hosts that talk over a pair of ports. */
function pair({
  v6 = false,
  tcp: isTcp = true,
  vlan: id,
  ports = [1000, 80],
  hosts = [1, 2],
}: Talk): Pair {
  const [source, target] = hosts.map((host) => (v6 ? `2001:db8::${host}` : `10.0.0.${host}`));
  const [sourcePort, targetPort] = ports;
  const protocol = isTcp ? 6 : 17;
  const frame = (turned: boolean, flags: number, size: number): Bytes => {
    const [from, to] = turned ? [targetPort, sourcePort] : [sourcePort, targetPort];
    const segment = isTcp ? tcp(from, to, flags, zeros(size)) : udp(from, to, zeros(size));
    const ends = turned
      ? { source: target!, target: source! }
      : { source: source!, target: target! };
    const packet = v6
      ? ipv6(segment, { ...ends, next: protocol })
      : ipv4(segment, { ...ends, protocol });
    const type = v6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
    return id === undefined
      ? ethernet(type, packet)
      : ethernet(ETHERTYPE.vlan, vlan(id, type, packet));
  };
  const key = `${protocol} ${source} ${sourcePort} ${target} ${targetPort}${id === undefined ? "" : ` vlan ${id}`}`;
  return { key, tcp: isTcp, frame, header: (v6 ? 40 : 20) + (isTcp ? 20 : 8) };
}

const PAIRS: readonly Pair[] = [
  pair({}),
  pair({ tcp: false }),
  pair({ v6: true }),
  pair({ v6: true, tcp: false }),
  pair({ vlan: 5 }),
  pair({ vlan: 6 }),
  pair({ v6: true, vlan: 5 }),
  pair({ ports: [80, 1000] }),
  pair({ hosts: [2, 200], ports: [7, 7] }),
  pair({ hosts: [3, 3], ports: [5, 6] }),
  pair({ v6: true, hosts: [3, 3], ports: [5, 6] }),
];

interface Step {
  /** Index of the {@link PAIRS}: plain numbers read better in a counterexample. */
  readonly pair: number;
  readonly turned: boolean;
  readonly flags: number;
  readonly size: number;
  readonly micros: number;
}

const FORWARD = [
  0,
  1,
  999,
  300_000,
  SECOND,
  2.5 * SECOND,
  9.999999 * SECOND,
  10 * SECOND,
  21 * SECOND,
];
const BACK = [-1, -300_000, -2 * SECOND, -12 * SECOND];
const FLAGS = [0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x00];

const steps = (micros: readonly number[]): Arbitrary<Step[]> =>
  array(
    record({
      pair: nat(PAIRS.length - 1),
      turned: boolean(),
      flags: constantFrom(...FLAGS),
      size: integer({ min: 0, max: 3 }),
      micros: constantFrom(...micros),
    }),
    { minLength: 1, maxLength: 60, size: "max" },
  );

const START = 1_700_000_000 * SECOND + 250_000;

const packetsOf = (all: readonly Step[]): Packet[] => {
  let micros = START;
  return all.map(({ pair: index, turned, flags, size, micros: step }) => {
    const { key, tcp: isTcp, header } = PAIRS[index]!;
    micros += step;
    return { key, turned, micros, bytes: header + size, flags: isTcp ? flags : 0 };
  });
};

/** Give the frames of all steps to a meter in batches of the sizes in turn. */
function meter(
  all: readonly Step[],
  options: MeterOptions,
  sizes: readonly number[] = [FRAMES_MAX],
) {
  const flows = new Meter({ flowsMax: 64, ...options });
  const rows = new FlowRows(flows);
  const packets = packetsOf(all);
  for (let from = 0, turn = 0; from < all.length; turn++) {
    const to = Math.min(from + sizes[turn % sizes.length]!, all.length);
    const frames = all
      .slice(from, to)
      .map((step) => PAIRS[step.pair]!.frame(step.turned, step.flags, step.size));
    flows.frames(framesOf(frames, packets.slice(from, to)));
    from = to;
  }
  flows.end();
  return { rows: rows.rows, late: rows.late, stats: flows.stats() };
}

function framesOf(frames: readonly Bytes[], packets: readonly Packet[]): FrameBatch {
  const batch = new FrameBatch();
  batch.use(Uint8Array.from(frames.flat()), 1);
  let at = 0;
  for (const [i, frame] of frames.entries()) {
    batch.start[i] = at;
    batch.captured[i] = frame.length;
    batch.length[i] = frame.length;
    batch.time[i] = packets[i]!.micros;
    at += frame.length;
  }
  batch.count = frames.length;
  return batch;
}

type Rows = ReturnType<typeof meter>["rows"];

/** Flows of the meter as text, in an order of its own. VLANs are not in the record: times tell them apart. */
const textOf = (rows: Rows): string[] =>
  rows
    .map((row) =>
      [
        `${row.PROTOCOL} ${row.SRC_IP} ${row.SRC_PORT} ${row.DST_IP} ${row.DST_PORT}`,
        `${row.TIME_FIRST - START}+${row.TIME_LAST - row.TIME_FIRST}`,
        `${row.PACKETS}/${row.PACKETS_REV} ${row.BYTES}/${row.BYTES_REV}`,
        `${row.TCP_FLAGS}/${row.TCP_FLAGS_REV} reason ${row.FLOW_END_REASON}`,
      ].join(", "),
    )
    .sort();

function reference(
  all: readonly Step[],
  options: { active: number; idle: number; linger?: number; brief?: number },
): string[] {
  const model = new ReferenceMeter(options);
  for (const packet of packetsOf(all)) model.packet(packet);
  model.end();
  return model.sent
    .map((flow) => {
      const [protocol, source, sourcePort, target, targetPort] = flow.key.split(" ");
      const ends = flow.turned
        ? [target, targetPort, source, sourcePort]
        : [source, sourcePort, target, targetPort];
      return [
        `${protocol} ${ends.join(" ")}`,
        `${flow.first - START}+${flow.last - flow.first}`,
        `${flow.packets}/${flow.packetsReverse} ${flow.bytes}/${flow.bytesReverse}`,
        `${flow.flags}/${flow.flagsReverse} reason ${flow.reason}`,
      ].join(", ");
    })
    .sort();
}

describe("Meter, against the reference:", () => {
  test.each<[string, { active: number; idle: number; linger?: number; brief?: number }]>([
    ["usual timeouts", { active: 60, idle: 10 }],
    ["a short active timeout", { active: 5, idle: 10 }],
    ["equal timeouts", { active: 10, idle: 10 }],
    ["a short linger", { active: 60, idle: 10, linger: 1 }],
    ["brief flows that end soon", { active: 60, idle: 10, linger: 3, brief: 2 }],
    ["brief flows that end later than others", { active: 20, idle: 3, brief: 5 }],
    ["a linger above the idle timeout", { active: 60, idle: 3, linger: 20 }],
  ])("Meter sends the flows of the reference: %s", (_, options) => {
    assert(
      property(steps([...FORWARD, ...BACK]), (all) => {
        expect(textOf(meter(all, options).rows)).toEqual(reference(all, options));
      }),
      { seed: 11, numRuns: 150 },
    );
  });

  test("Meter sends equal flows in equal order whatever the batch borders", () => {
    const sizes = array(integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
    assert(
      property(steps([...FORWARD, ...BACK]), sizes, (all, cuts) => {
        const options = { active: 30, idle: 10, linger: 2, brief: 3, flowsMax: 4 };
        expect(meter(all, options, cuts).rows).toEqual(meter(all, options).rows);
      }),
      { seed: 12, numRuns: 100 },
    );
  });

  test("Meter keeps its watermarks while capture time goes forward", () => {
    assert(
      property(steps(FORWARD), (all) => {
        expect(meter(all, { active: 30, idle: 10, linger: 2, brief: 3 }).late).toBe(0);
      }),
      { seed: 13, numRuns: 100 },
    );
  });
});

describe("Meter, bounds:", () => {
  test("Meter with a full table loses no packet, counts who left and keeps within its bound", () => {
    assert(
      property(steps([...FORWARD, ...BACK]), integer({ min: 1, max: 6 }), (all, flowsMax) => {
        const { rows, stats } = meter(all, { active: 60, idle: 10, flowsMax });
        const forced = rows.filter((row) => row.FLOW_END_REASON === 5).length;
        expect(rows.reduce((sum, row) => sum + row.PACKETS + row.PACKETS_REV, 0)).toBe(all.length);
        expect(rows.reduce((sum, row) => sum + row.BYTES + row.BYTES_REV, 0)).toBe(
          packetsOf(all).reduce((sum, packet) => sum + packet.bytes, 0),
        );
        expect([stats.evicted, stats.ended.resources]).toEqual([forced, forced]);
        expect(stats.peak).toBeLessThanOrEqual(flowsMax);
        expect(stats.flows).toBe(rows.length);
        expect(stats.live).toBe(0);
      }),
      { seed: 14, numRuns: 150 },
    );
  });

  test("Meter never sends a flow that ends before it begins, wherever capture time jumps", () => {
    const jumps = [
      ...FORWARD,
      ...BACK,
      -59 * SECOND,
      -61 * SECOND,
      -500 * SECOND,
      5000 * SECOND,
      -1e14,
    ];
    assert(
      property(steps(jumps), (all) => {
        const { rows, stats } = meter(all, { active: 60, idle: 10 });
        for (const row of rows) expect(row.TIME_LAST).toBeGreaterThanOrEqual(row.TIME_FIRST);
        expect(rows.reduce((sum, row) => sum + row.PACKETS + row.PACKETS_REV, 0)).toBe(all.length);
        expect(stats.packets).toBe(all.length);
      }),
      { seed: 15, numRuns: 150 },
    );
  });
});
