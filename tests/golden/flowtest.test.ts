// SPDX-License-Identifier: BSD-3-Clause
// Biflows that the authors of FlowTest annotated by hand, against ours of the same captures.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { type FlowRow, meterCapture } from "../../src/core/flow/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../src/core/testing/shared.ts";

const FOLDER = "corpus/pcap/flowtest";
const absent = !hasShared(FOLDER);

/** The annotations know no timeouts: tls12.pcap has a connection that is silent for 35 s, and is one flow. */
const TIMEOUTS = { active: 1800, idle: 1800 };

/**
 * Files that annotate several flows where ours is one biflow, and why: their sum is what is compared.
 * Whatever is added here needs a reason of the Flow Key, not of the counters.
 */
const SHARED_KEYS: Readonly<Record<string, string>> = {
  "icmpv6.yml": "three uniflows by ICMP type, which is no part of our Flow Key",
  "wireguard.yml": "three pairs of WireGuard peers, one after the other, on one pair of ports",
};

/** What an annotation says of a biflow; what the meter does not carry is left out. */
interface Annotated {
  readonly src_ip: string;
  readonly dst_ip: string;
  readonly protocol: number;
  readonly src_port?: number;
  readonly dst_port?: number;
  readonly packets: number;
  readonly "packets@rev"?: number;
  readonly bytes: number;
  readonly "bytes@rev"?: number;
  readonly tcp_flags?: number;
  readonly "tcp_flags@rev"?: number;
  readonly src_mac?: string;
  readonly dst_mac?: string;
}

interface Annotation {
  readonly pcap: string;
  readonly flows: readonly Annotated[];
}

/** A biflow as text: source first, and only what was annotated of it. */
function textOf(row: FlowRow, { tcp_flags, src_mac }: Annotated): string {
  const counted = `${row.PACKETS}/${row.PACKETS_REV} packets, ${row.BYTES}/${row.BYTES_REV} bytes`;
  const flags = tcp_flags === undefined ? "" : `, flags ${row.TCP_FLAGS}/${row.TCP_FLAGS_REV}`;
  return `${counted}${flags}${src_mac === undefined ? "" : `, ${row.SRC_MAC} ${row.DST_MAC}`}`;
}

/** The annotation as the row that the meter should send. */
const rowOf = (flow: Annotated): FlowRow =>
  ({
    PACKETS: flow.packets,
    PACKETS_REV: flow["packets@rev"] ?? 0,
    BYTES: flow.bytes,
    BYTES_REV: flow["bytes@rev"] ?? 0,
    TCP_FLAGS: flow.tcp_flags,
    TCP_FLAGS_REV: flow["tcp_flags@rev"],
    SRC_MAC: flow.src_mac,
    DST_MAC: flow.dst_mac,
  }) as unknown as FlowRow;

const matches = (row: FlowRow, flow: Annotated): boolean =>
  row.SRC_IP === flow.src_ip &&
  row.DST_IP === flow.dst_ip &&
  row.PROTOCOL === flow.protocol &&
  (flow.src_port ?? row.SRC_PORT) === row.SRC_PORT &&
  (flow.dst_port ?? row.DST_PORT) === row.DST_PORT;

/** Add up annotations of one key; the first of them says which side is the source. */
function sum(flows: readonly Annotated[]): Annotated {
  const [first] = flows;
  const total = { packets: 0, "packets@rev": 0, bytes: 0, "bytes@rev": 0 };
  for (const flow of flows) {
    const turned = flow.src_ip !== first!.src_ip;
    total[turned ? "packets@rev" : "packets"] += flow.packets;
    total[turned ? "packets" : "packets@rev"] += flow["packets@rev"] ?? 0;
    total[turned ? "bytes@rev" : "bytes"] += flow.bytes;
    total[turned ? "bytes" : "bytes@rev"] += flow["bytes@rev"] ?? 0;
  }
  return { ...first!, ...total };
}

describe.skipIf(absent)(`Meter, FlowTest's annotations${absent ? ` (${NO_SHARED})` : ""}`, () => {
  test("Meter finds every annotated biflow with its packets, bytes, ports, flags and MACs", () => {
    const differing: string[] = [];
    let annotated = 0;
    let equal = 0;
    let summed = 0;
    for (const file of readdirSync(sharedPath(FOLDER, "golden")).sort()) {
      const text = readFileSync(sharedPath(FOLDER, "golden", file), "utf8");
      const { pcap, flows } = Bun.YAML.parse(text) as Annotation;
      const { rows } = meterCapture(sharedPath(FOLDER, pcap), TIMEOUTS);
      const groups = file in SHARED_KEYS ? [flows] : flows.map((flow) => [flow]);
      for (const group of groups) {
        const wanted = sum(group);
        const found = rows.filter((row) => matches(row, wanted)).map((row) => textOf(row, wanted));
        const expected = textOf(rowOf(wanted), wanted);
        annotated += group.length;
        if (found.length === 1 && found[0] === expected) {
          equal += group.length;
          if (group.length > 1) summed += group.length;
        } else differing.push(`${file}: expected ${expected}, found ${found.join("; ") || "none"}`);
      }
    }
    const note = summed === 0 ? "" : `, ${summed} of them by their sum`;
    process.stdout.write(`flowtest: ${equal}/${annotated} annotated biflows equal${note}\n`);
    expect(differing).toEqual([]);
    expect(annotated).toBe(63);
  });
});
