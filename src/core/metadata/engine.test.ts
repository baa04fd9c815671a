// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { Meter } from "../flow/meter.ts";
import {
  type Bytes,
  batchOf,
  ETHERTYPE,
  ethernet,
  ipv4,
  PROTOCOL,
  tcp,
  udp,
} from "../packet/test-kit.ts";
import { type AnyReader, plainRecord, reader } from "../unirec/reader.ts";
import { parseTemplate, type Template } from "../unirec/template.ts";
import { type AnyProtocol, defineProtocol, type Plugin, VERDICT, type Watch } from "./protocol.ts";

const SECOND = 1_000_000;
const START = 1e15;

class Words {
  seen: string[] = [];

  reset(): void {
    this.seen = [];
  }
}

interface Toy {
  readonly name?: string;
  readonly watch?: Watch;
  readonly field?: string;
  /** The verdict of a payload; `more` when left out. */
  readonly verdict?: (text: string) => number;
  readonly splits?: (text: string) => boolean;
  readonly onSetup?: (compat: boolean) => void;
}

/** A protocol that keeps the payloads it was shown, with their direction. */
const toy = ({
  name = "toy",
  watch = {},
  field = "SEEN",
  verdict = () => VERDICT.more,
  splits,
  onSetup,
}: Toy = {}): AnyProtocol => {
  const text = (packet: { bytes: Uint8Array; payload: number; end: number }): string =>
    Buffer.from(packet.bytes.subarray(packet.payload, packet.end)).toString();
  return defineProtocol({
    name,
    about: "Keeps what it was shown.",
    fields: parseTemplate(`string ${field}`),
    elements: { [field]: "e0id1" },
    watch,
    byDefault: true,
    source: "this test",
    setup: ({ compat }): Plugin<Words, Template> => {
      onSetup?.(compat);
      return {
        create: () => new Words(),
        ...(splits ? { splits: (packet) => splits(text(packet)) } : {}),
        onPacket(packet, slot) {
          slot
            .take()
            .seen.push(
              `${packet.first ? "*" : ""}${packet.reverse === 0 ? ">" : "<"}${text(packet)}`,
            );
          return verdict(text(packet));
        },
        write: (state, record) =>
          record.set(
            record.template.fields.findIndex((f) => f.name === field),
            state.seen.join(" "),
          ),
      };
    },
  });
};

const HOSTS = { source: "10.0.0.1", target: "10.0.0.2", protocol: PROTOCOL.udp };
const letters = (text: string): Bytes => [...Buffer.from(text)];
/** A datagram of a flow between ports 5000 and 53, from the initiator unless `back`. */
function datagram(text: string, back = false, port = 53): Bytes {
  const payload = back ? udp(port, 5000, letters(text)) : udp(5000, port, letters(text));
  const hosts = back ? { ...HOSTS, source: HOSTS.target, target: HOSTS.source } : HOSTS;
  return ethernet(ETHERTYPE.ipv4, ipv4(payload, hosts));
}

/** Meter frames, a second apart, and give the rows of each group. */
function metered(
  groups: readonly (readonly AnyProtocol[])[],
  frames: readonly Bytes[],
  { compat = false, needs }: { compat?: boolean; needs?: readonly AnyProtocol[] } = {},
) {
  const meter = new Meter({
    metadata: {
      compat,
      groups: groups.map((protocols, i) => ({ name: `${i}`, protocols, ...(needs && { needs }) })),
    },
  });
  const rows = meter.groups.map((port) => {
    const cursor = reader(port.template) as AnyReader;
    const out: Record<string, unknown>[] = [];
    port.link({
      receive: (batch) => {
        cursor.reset(batch);
        while (cursor.next()) out.push(plainRecord(cursor, port.template));
      },
      advance: () => {},
      end: () => {},
    });
    return out;
  });
  for (const [i, frame] of frames.entries()) meter.frames(batchOf([frame], 1, START + i * SECOND));
  meter.end();
  return { rows, stats: meter.stats() };
}

const seen = (protocol: AnyProtocol, frames: readonly Bytes[], compat = false): unknown[] =>
  metered([[protocol]], frames, { compat }).rows[0]!.map(({ SEEN }) => SEEN);

test("MetadataEngine shows a plugin both directions of a flow, the first packet marked", () => {
  const frames = [datagram("a"), datagram("b", true), datagram("c")];
  expect(seen(toy(), frames)).toEqual(["*>a <b >c"]);
});

test("MetadataEngine shows only what a plugin watches: protocol, ports of either side, payload", () => {
  const frames = [datagram("a"), datagram("b", false, 80), datagram("")];
  expect(seen(toy({ watch: { ports: [80] } }), frames)).toEqual(["", "*>b"]);
  expect(seen(toy({ watch: { ports: [5000] } }), frames)).toEqual(["*>a", "*>b"]);
  expect(seen(toy({ watch: { protocols: [PROTOCOL.tcp] } }), frames)).toEqual(["", ""]);
  expect(seen(toy({ watch: { empty: true } }), frames)).toEqual(["*>a >", "*>b"]);
});

test("MetadataEngine shows nothing more once a plugin is done with a flow", () => {
  const once = toy({ verdict: () => VERDICT.done });
  expect(seen(once, [datagram("a"), datagram("b"), datagram("c", false, 80)])).toEqual([
    "*>a",
    "*>c",
  ]);
});

test("MetadataEngine ends a flow with the packet a plugin says, and counts that packet in it", () => {
  const ends = toy({ verdict: (text) => (text === "end" ? VERDICT.end : VERDICT.more) });
  const { rows } = metered(
    [[ends]],
    ["a", "end", "b", "c"].map((text) => datagram(text)),
  );
  expect(
    rows[0]!.map(({ SEEN, PACKETS, FLOW_END_REASON }) => [SEEN, PACKETS, FLOW_END_REASON]),
  ).toEqual([
    ["*>a >end", 2, 3],
    ["*>b >c", 2, 4],
  ]);
});

test("MetadataEngine begins a new flow with the packet a plugin says", () => {
  const splits = toy({ splits: (text) => text === "new" });
  const { rows } = metered(
    [[splits]],
    ["a", "new", "b"].map((text) => datagram(text)),
  );
  const lasted = rows[0]!.map(({ SEEN, PACKETS, TIME_FIRST, TIME_LAST }) => [
    SEEN,
    PACKETS,
    ((TIME_LAST as number) - (TIME_FIRST as number)) / SECOND,
  ]);
  // The packet that begins the second is no part of how long the first lasted; the second begins where it ended.
  expect(lasted).toEqual([
    ["*>a", 1, 0],
    ["*>new >b", 2, 2],
  ]);
});

test("MetadataEngine forgets a flow that has ended: states are used again as new", () => {
  const flows = Array.from({ length: 50 }, (_, i) => datagram(`${i}`, false, 1000 + i));
  const again = [...flows, ...flows.map((frame) => frame)];
  const ends = toy({ verdict: () => VERDICT.end });
  expect(seen(ends, again)).toEqual([...again.keys()].map((i) => `*>${i % 50}`));
});

describe("outputs", () => {
  const [a, b] = [
    toy({ name: "a", field: "SEEN_A", watch: { ports: [53] } }),
    toy({ name: "b", field: "SEEN_B", watch: { ports: [80] } }),
  ];
  const frames = [datagram("x"), datagram("y", false, 80), datagram("z", false, 81)];

  test("MetadataEngine sends each group all flows, with its own fields", () => {
    const { rows, stats } = metered([[a], [a, b]], frames);
    expect(rows[0]!.map(({ SEEN_A }) => SEEN_A)).toEqual(["*>x", "", ""]);
    expect(rows[1]!.map(({ SEEN_A, SEEN_B }) => [SEEN_A, SEEN_B])).toEqual([
      ["*>x", ""],
      ["", "*>y"],
      ["", ""],
    ]);
    expect(stats.found).toEqual({ a: 1, b: 1 });
    expect(rows[0]![0]).not.toHaveProperty("SEEN_B");
  });

  test("MetadataEngine sends a group that needs a plugin the flows in which that one found something", () => {
    const { rows } = metered([[a, b]], frames, { needs: [b] });
    expect(rows[0]!.map(({ SEEN_A, SEEN_B }) => [SEEN_A, SEEN_B])).toEqual([["", "*>y"]]);
  });

  test("MetadataEngine in compat mode sends only flows in which one of the group found something", () => {
    let told: boolean | undefined;
    const c = toy({
      name: "c",
      field: "SEEN_C",
      watch: { ports: [81] },
      onSetup: (compat) => {
        told = compat;
      },
    });
    const { rows } = metered([[a], [b, c]], frames, { compat: true });
    expect(rows[0]!.map(({ DST_PORT }) => DST_PORT)).toEqual([53]);
    expect(rows[1]!.map(({ DST_PORT }) => DST_PORT)).toEqual([80, 81]);
    expect(told).toBe(true);
  });

  test("MetadataEngine holds more plugins than a word has bits", () => {
    const many = Array.from({ length: 50 }, (_, i) =>
      toy({
        name: `n${i}`,
        field: `SEEN_${i}`,
        verdict: () => (i % 2 ? VERDICT.done : VERDICT.more),
      }),
    );
    const { rows } = metered([many], [datagram("p"), datagram("q")]);
    for (let i = 0; i < 50; i++) expect(rows[0]![0]![`SEEN_${i}`]).toBe(i % 2 ? "*>p" : "*>p >q");
  });

  test("MetadataEngine sends a flow without fields when they would be longer than a record", () => {
    const big = toy({ verdict: () => VERDICT.more });
    const frames = Array.from({ length: 80 }, () => datagram("x".repeat(1000)));
    const { rows } = metered([[big]], frames);
    expect(rows[0]![0]).toMatchObject({ SEEN: "", PACKETS: 80 });
  });
});

test("Packet finds the payload behind TCP's options, and none where the header is cut off", () => {
  const segment = [...tcp(1, 2, 24, letters("abcd"))];
  const withOptions = [
    ...segment.slice(0, 12),
    0x60,
    ...segment.slice(13, 20),
    1,
    1,
    1,
    1,
    ...segment.slice(20),
  ];
  const frame = (bytes: Bytes): Bytes =>
    ethernet(ETHERTYPE.ipv4, ipv4(bytes, { ...HOSTS, protocol: PROTOCOL.tcp }));
  expect(seen(toy(), [frame(withOptions)])).toEqual(["*>abcd"]);
  expect(seen(toy({ watch: { empty: true } }), [frame(segment.slice(0, 14))])).toEqual(["*>"]);
});
