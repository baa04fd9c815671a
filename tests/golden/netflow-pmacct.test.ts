// SPDX-License-Identifier: BSD-3-Clause
// Routers' traffic as the authors of pmacct have captured it, and what nfacctd made of it.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { CaptureFile } from "../../src/collectors/ipfix/capture-file.ts";
import { Mapping } from "../../src/core/ipfix/collect/mapping.ts";
import { Collected } from "../../src/core/ipfix/collect/testing/messages.ts";
import type { Row } from "../../src/core/testing/run-module.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../src/core/testing/shared.ts";
import { type Aggregates, aggregated, type Line, lineOf, recordOf } from "./netflow/pmacct.ts";

const FOLDER = "corpus/netflow/pmacct";

/** Where nfacctd takes its values from; of two pairs of addresses that of IPv4 is the flow, the other its tunnel. */
const MAPPING = `
ipaddr SRC_IP e0id27,e0id8
ipaddr DST_IP e0id28,e0id12
uint32 IFACE_IN e0id10
uint32 IFACE_OUT e0id14
uint8 MASK_SRC e0id29,e0id9
uint8 MASK_DST e0id30,e0id13
uint16 VLAN e0id243,e0id58
uint32 VRF_IN e0id234
uint32 VRF_OUT e0id235
${Array.from({ length: 10 }, (_, i) => `bytes MPLS_${i} e0id${70 + i}`).join("\n")}
`;
const LAYOUT = [
  "ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint8 TOS,uint8 TCP_FLAGS",
  "uint64 PACKETS,uint64 BYTES,time TIME_FIRST,time TIME_LAST,macaddr SRC_MAC,macaddr DST_MAC",
  "uint32 IFACE_IN,uint32 IFACE_OUT,uint8 MASK_SRC,uint8 MASK_DST,uint16 VLAN,uint32 VRF_IN,uint32 VRF_OUT",
  ...Array.from({ length: 10 }, (_, i) => `bytes MPLS_${i}`),
].join(",");

/** The test whose counters nfacctd multiplied by what options say, and the output of another, by its map of samplers. */
const SAMPLED = "104-IPFIXv10-IPv6-CISCO-sampling_option";
const MAPPED = {
  name: "102-NFv9-CISCO-f2rd-pretag-sampling-reload",
  output: "output-flow-01.json",
  by: 1000,
};

/** Flows of a test's captures, each of which came from an exporter of its own. */
const flowsOf = (name: string): readonly Row[] =>
  filesOf(name, /^traffic-.*\.pcap$/).flatMap((file) => {
    const collected = new Collected({
      layout: LAYOUT,
      mapping: new Mapping(MAPPING),
      scale: name === SAMPLED,
    });
    const spec = { text: file, path: sharedPath(FOLDER, name, file) };
    using capture = new CaptureFile(
      spec,
      (view, exporter, length) => collected.collector.message(view, exporter, length),
      () => {},
    );
    while (capture.step());
    return collected.rows;
  });

/** Tests whose exporters tell in options when uptime began, which nfacctd passes: it has the message's time as the flow's. */
const BOOT_IN_OPTIONS = /^50[0-2]-/;

/** What cannot be compared in a test: that time, and masks of BGP's routes where the configuration says so. */
function notSent(name: string): readonly string[] {
  const config = readFileSync(sharedPath(FOLDER, name, "nfacctd-00.conf"), "utf8");
  return [
    ...(BOOT_IN_OPTIONS.test(name) ? ["timestamp_start"] : []),
    ...(/^nfacctd_net: *b[gm]p/m.test(config) ? ["mask_src", "mask_dst"] : []),
  ];
}

const filesOf = (name: string, form: RegExp): string[] =>
  readdirSync(sharedPath(FOLDER, name))
    .filter((file) => form.test(file))
    .sort();

const linesOf = (name: string, file: string): Line[] =>
  readFileSync(sharedPath(FOLDER, name, file), "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as Line);

/** What the flow most like a missed one has otherwise. */
function nearest(key: string, keys: readonly string[]): string {
  const wanted = key.split(" ");
  const others = keys.map((other) => other.split(" ").filter((word) => !wanted.includes(word)));
  return others
    .reduce((best, other) => (other.length < best.length ? other : best), wanted)
    .join(" ");
}

if (!hasShared(FOLDER))
  test.skip(`Routers' flows as nfacctd has them (${NO_SHARED})`, () => {
    // There is nothing to decode.
  });
else {
  const score = { right: 0, all: 0 };
  describe("Routers' flows as nfacctd has them:", () => {
    test.each(readdirSync(sharedPath(FOLDER)).sort())("%s", (name) => {
      const misses: string[] = [];
      const flows = flowsOf(name);
      let [right, all] = [0, 0];
      for (const file of filesOf(name, /^output-flow-\d+\.json$/)) {
        const lines = linesOf(name, file);
        const factor = name === MAPPED.name && file === MAPPED.output ? MAPPED.by : 1;
        const isUptime = !name.includes("IPFIX");
        const leftOut = notSent(name);
        const wanted: Aggregates = aggregated(lines.map((line) => lineOf(line, leftOut)));
        const fields = Object.keys(lineOf(lines[0]!, leftOut).values);
        const own = aggregated(flows.map((row) => recordOf(row, fields, { factor, isUptime })));
        all += lines.length;
        for (const [key, { packets, bytes, tcpFlags, count }] of wanted) {
          const found = own.get(key);
          if (found?.packets === packets && found.bytes === bytes && found.tcpFlags === tcpFlags)
            right += count;
          else
            misses.push(
              `${nearest(key, [...own.keys()])} | ` +
                `${key}: ${found?.packets} packets, ${found?.bytes} bytes, expected ${packets}, ${bytes}`,
            );
        }
      }
      score.right += right;
      score.all += all;
      process.stdout.write(`pmacct ${name}: ${right}/${all}\n`);
      expect(misses).toEqual([]);
    });

    test("all lines", () => {
      process.stdout.write(`pmacct: ${score.right}/${score.all} lines\n`);
      expect(score.right).toBe(score.all);
    });
  });
}
