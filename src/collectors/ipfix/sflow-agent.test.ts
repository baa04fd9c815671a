// SPDX-License-Identifier: BSD-3-Clause
// An sFlow agent of others, pmacct's, samples packets of a capture and sends them here.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaptureWriter } from "../../core/capture-file/testing/writer.ts";
import { Mapping } from "../../core/ipfix/collect/mapping.ts";
import { type Bytes, ETHERTYPE, ethernet, ipv4, udp } from "../../core/packet/test-kit.ts";
import { tcp4, udp6 } from "../../core/sflow/testing/datagrams.ts";
import { Address } from "../../core/unirec/ip.ts";
import { fieldOf, parseTemplate } from "../../core/unirec/template.ts";
import { RecordWriter } from "../../core/unirec/writer.ts";
import { Collecting } from "./collecting.ts";

// Where Debian has it, which not everybody's path does.
const pmacctd = Bun.which("pmacctd", { PATH: `${process.env["PATH"]}:/usr/sbin` });
const missing = pmacctd ? "" : " (skipped: no pmacctd)";
const folder = mkdtempSync(join(tmpdir(), "nemean-sflow-agent-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Flows that are looked at. The last packets wait in the agent until a datagram is full; when it ends, it sends some twice. */
const FLOWS = 90;
const HOST = "127.0.0.1";
const LAYOUT = parseTemplate(
  "uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint32 PACKETS,uint64 BYTES,uint32 ODID,ipaddr EXPORTER_IP",
);
const AT = (name: string): number => fieldOf(LAYOUT, name)!.offset;

/** Frames of 100 packets, and of each the line that a flow of it is: ports, protocol, IP's bytes. */
function frames(): (readonly [Bytes, string])[] {
  return Array.from({ length: 100 }, (_, i) => {
    const [source, target] = [50_000 + i, 60_000 + i];
    switch (i % 3) {
      case 0:
        return [tcp4(source, target), `${source} ${target} 6 40`];
      case 1:
        return [udp6(source, target), `${source} ${target} 17 52`];
      default: {
        const packet = ipv4(udp(source, target, new Array(10 * i).fill(7)));
        return [ethernet(ETHERTYPE.ipv4, packet), `${source} ${target} 17 ${28 + 10 * i}`];
      }
    }
  });
}

test.skipIf(missing !== "")(
  `Collecting has a flow for each packet that pmacctd samples as an sFlow agent${missing}`,
  async () => {
    const capture = new CaptureWriter();
    for (const [i, [frame]] of frames().entries()) capture.append(1e15 + i, Uint8Array.from(frame));
    const file = join(folder, "packets.pcap");
    writeFileSync(file, capture.bytes());

    const record = new RecordWriter(LAYOUT);
    const { view } = record;
    const flows: string[] = [];
    const agents = new Set<string>();
    const agent = new Address().setV4(0x0a09_0909);
    const push = (): void => {
      const [ports, protocol] = [AT("SRC_PORT"), view.getUint8(AT("PROTOCOL"))];
      const bytes = view.getBigUint64(AT("BYTES"), true);
      flows.push(
        `${view.getUint16(ports, true)} ${view.getUint16(AT("DST_PORT"), true)} ${protocol} ${bytes}`,
      );
      const isAgent = view.getInt32(AT("EXPORTER_IP") + 8, true) === agent.w2;
      const packets = view.getUint32(AT("PACKETS"), true);
      agents.add(`${isAgent} ${view.getUint32(AT("ODID"), true)} ${packets}`);
    };
    const collecting = new Collecting(
      { record, push },
      {
        listen: `udp:${HOST}:0`,
        mapping: new Mapping(),
        scale: true,
        templates: "",
        buffer: 1,
        templateMemory: 8,
        heldMemory: 4,
        exporters: 16,
        connections: 1,
        warn: () => {},
      },
    );
    const settings = {
      daemonize: "false",
      plugins: "sfprobe[agent]",
      aggregate: "src_host, dst_host, src_port, dst_port, proto",
      pcap_savefile: file,
      sfprobe_receiver: `${HOST}:${collecting.ports[0]}`,
      sfprobe_agentip: "10.9.9.9",
      sfprobe_agentsubid: "7",
      sampling_rate: "1",
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key}: ${value}\n`);
    const config = join(folder, "agent.conf");
    writeFileSync(config, lines.join(""));
    const child = Bun.spawn([pmacctd!, "-f", config], { stdout: "ignore", stderr: "ignore" });
    const until = performance.now() + 30_000;
    while (flows.length < FLOWS && performance.now() < until) {
      collecting.produce();
      await Bun.sleep(1);
    }
    child.kill();
    await child.exited;
    collecting.end();
    const expected = frames().map(([, line]) => line);
    expect(flows.length).toBeGreaterThanOrEqual(FLOWS);
    expect(flows.slice(0, FLOWS)).toEqual(expected.slice(0, FLOWS));
    expect([...agents]).toEqual(["true 7 1"]);
    expect(collecting.counts).toMatchObject({
      records: flows.length,
      malformed: 0,
      sequence_lost: 0,
    });
  },
  40_000,
);
