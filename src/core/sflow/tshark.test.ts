// SPDX-License-Identifier: BSD-3-Clause
// Another decoder of sFlow says the same of the same datagrams.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaptureWriter } from "../capture-file/testing/writer.ts";
import { Mapping } from "../ipfix/collect/mapping.ts";
import { type Bytes, ETHERTYPE, ethernet, ipv4, ipv6, tcp, udp, vlan } from "../packet/test-kit.ts";
import {
  Collected,
  counters,
  datagram,
  expanded,
  flow,
  gateway,
  header,
  interfaceCounters,
  router,
  segment,
  told,
  vlans,
} from "./testing/datagrams.ts";

const tshark = Bun.which("tshark");
const missing = tshark ? "" : " (skipped: no tshark)";
const folder = mkdtempSync(join(tmpdir(), "nemean-sflow-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PORT = 6343;
const DATAGRAMS = 300;

/** Numbers that are the same in each run. */
class Numbers {
  #state = 1;

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  /** An address of either family. */
  address(isIpv6: boolean): string {
    const group = (): string => (1 + this.below(0xfffe)).toString(16);
    return isIpv6
      ? `2001:db8:${group()}:${group()}:${group()}:${group()}:${group()}:${group()}`
      : `10.${this.below(256)}.${this.below(256)}.${this.below(256)}`;
  }

  port(): number {
    // Above what dissectors of applications claim.
    return 50_000 + this.below(10_000);
  }
}

/** A frame of TCP over IPv4 in a VLAN, or of UDP over IPv6. */
function frameOf(numbers: Numbers, isIpv6: boolean): Bytes {
  const [source, target] = [numbers.address(isIpv6), numbers.address(isIpv6)];
  const [from, to] = [numbers.port(), numbers.port()];
  if (isIpv6) return ethernet(ETHERTYPE.ipv6, ipv6(udp(from, to, [1, 2]), { source, target }));
  const segmentOf = tcp(from, to, numbers.below(64), new Array(numbers.below(200)).fill(0));
  const packet = ipv4(segmentOf, { source, target, protocol: 6 });
  return ethernet(ETHERTYPE.vlan, vlan(1 + numbers.below(4000), ETHERTYPE.ipv4, packet));
}

/** Samples of packets of one family, with all that switches and routers add. */
function made(numbers: Numbers, isIpv6: boolean): Buffer[] {
  return Array.from({ length: 1 + numbers.below(5) }, () => {
    const bytes = frameOf(numbers, isIpv6);
    const length = bytes.length + 4;
    const path = [segment([1 + numbers.below(65_000), 1 + numbers.below(4_000_000_000)])];
    const records = [
      header(bytes.slice(0, 128), { length }),
      vlans(1 + numbers.below(4000), 1 + numbers.below(4000)),
      router(numbers.address(false), numbers.below(33), numbers.below(33)),
      gateway(numbers.address(false), { source: 1 + numbers.below(4_000_000_000), path }),
    ];
    const head = { rate: 1 + numbers.below(10_000), input: numbers.below(1000) };
    return isIpv6 ? expanded(records, head) : flow(records, head);
  });
}

/** A capture of datagrams, and what tshark finds in it: by datagram the values of each field. */
function tsharkOf(name: string, datagrams: readonly Buffer[], fields: readonly string[]) {
  const path = join(folder, name);
  const capture = new CaptureWriter();
  for (const payload of datagrams) {
    const packet = ipv4(udp(PORT, PORT, [...payload]), { source: "192.0.2.200" });
    capture.append(1e15, Uint8Array.from(ethernet(ETHERTYPE.ipv4, packet)));
  }
  writeFileSync(path, capture.bytes());
  const decode = [tshark!, "-r", path, "-d", `udp.port==${PORT},sflow`];
  const columns = fields.flatMap((field) => ["-e", field]);
  const { stdout } = Bun.spawnSync([...decode, "-T", "fields", ...columns]);
  const flawed = "_ws.malformed || _ws.expert.severity == 8388608";
  expect(Bun.spawnSync([...decode, "-Y", flawed]).stdout.toString()).toBe("");
  return stdout
    .toString()
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => line.split("\t").map((values) => values.split(",")));
}

const LAYOUT =
  "ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 TTL,uint8 TOS,uint8 TCP_FLAGS,macaddr SRC_MAC,uint32 PACKETS,uint64 BYTES,uint32 IN,uint16 VLAN_ID,uint8 SRC_MASK,uint8 DST_MASK,uint32 SRC_AS,uint32 DST_AS,ipaddr EXPORTER_IP,uint32 ODID";
const ELEMENTS =
  "uint32 IN e0id10;uint8 SRC_MASK e0id9,e0id29;uint8 DST_MASK e0id13,e0id30;uint32 SRC_AS e0id16;uint32 DST_AS e0id17";

/** Our flows as lines. */
const flowsOf = (datagrams: readonly Buffer[]): string[] =>
  new Collected({ layout: LAYOUT, mapping: new Mapping(ELEMENTS) })
    .take(...datagrams)
    .rows.map((row) =>
      LAYOUT.split(",")
        .map((field) => String(row[field.split(" ")[1]!]))
        .join(" "),
    );

test.skipIf(missing !== "").each([false, true])(
  `SflowCollector and tshark find the same in sampled headers; of IPv6: %p${missing}`,
  (isIpv6) => {
    const numbers = new Numbers();
    const datagrams = Array.from({ length: DATAGRAMS }, (_, i) =>
      datagram([...made(numbers, isIpv6), counters(interfaceCounters(i))], {
        agent: numbers.address(false),
        subAgent: i,
        sequence: i,
      }),
    );
    const family = isIpv6
      ? [
          "ipv6.src",
          "ipv6.dst",
          "udp.srcport",
          "udp.dstport",
          "ipv6.hlim",
          "ipv6.tclass",
          "ipv6.plen",
        ]
      : [
          "ip.src",
          "ip.dst",
          "tcp.srcport",
          "tcp.dstport",
          "ip.ttl",
          "ip.dsfield",
          "ip.len",
          "tcp.flags",
        ];
    const input = isIpv6 ? "input_interface_value" : "input_interface";
    const rows = tsharkOf(isIpv6 ? "v6.pcap" : "v4.pcap", datagrams, [
      "sflow_245.agent",
      "sflow_245.sub_agent_id",
      "eth.src",
      "sflow.flow_sample.sampling_rate",
      `sflow.flow_sample.${input}`,
      "sflow_245.vlan.in",
      "sflow_245.nexthop.src_mask",
      "sflow_245.nexthop.dst_mask",
      "sflow_245.srcAS",
      "sflow_245.dstAS",
      ...family,
    ]);
    const expected = rows.flatMap(([agent, subAgent, macs, ...values]) => {
      const [rates, inputs, ids, sources, targets, systems, path, ...inner] = values;
      const [from, to, fromPort, toPort, ttl, tos, length, flags] = inner;
      // The datagram's own headers are the first of a kind.
      const own = (list: readonly string[] | undefined): number =>
        list!.length > rates!.length ? 1 : 0;
      const of = (list: readonly string[] | undefined, i: number): string => list![i + own(list)]!;
      return rates!.map((rate, i) => {
        const bytes = Number(of(length, i)) + (isIpv6 ? 40 : 0);
        return [
          of(from, i),
          of(to, i),
          of(fromPort, i),
          of(toPort, i),
          of(ttl, i),
          Number(of(tos, i)),
          flags ? Number(of(flags, i)) : 0,
          of(macs, i),
          rate,
          Number(rate) * bytes,
          inputs![i],
          ids![i],
          sources![i],
          targets![i],
          systems![i],
          // Of each sample the two in its path, and its community, which tshark calls by the same name.
          path![3 * i + 1],
          agent![0],
          subAgent![0],
        ].join(" ");
      });
    });
    expect(expected.length).toBeGreaterThan(DATAGRAMS);
    expect(flowsOf(datagrams)).toEqual(expected);
  },
);

test.skipIf(missing !== "")(
  `SflowCollector and tshark find the same in what agents have read themselves${missing}`,
  () => {
    const numbers = new Numbers();
    const datagrams = Array.from({ length: DATAGRAMS }, () =>
      datagram([
        flow([
          told({
            source: numbers.address(false),
            target: numbers.address(false),
            length: 40 + numbers.below(1460),
            ports: [numbers.port(), numbers.port()],
            protocol: 6,
          }),
        ]),
      ]),
    );
    const rows = tsharkOf("told.pcap", datagrams, [
      "sflow_245.ipv4_src",
      "sflow_245.ipv4_dst",
      "sflow_245.ip.source_port",
      "sflow.ip.destination_port",
      "sflow_245.ip.length",
    ]);
    const { rows: flows } = new Collected().take(...datagrams);
    const names = ["SRC_IP", "DST_IP", "SRC_PORT", "DST_PORT", "BYTES"];
    expect(flows.map((row) => names.map((name) => String(row[name])))).toEqual(
      rows.map((fields) => fields.map(([value]) => value!)),
    );
  },
);
