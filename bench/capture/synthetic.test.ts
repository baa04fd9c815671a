// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSynthetic } from "./synthetic.ts";
import { walkCapture } from "./walk.ts";

const PARAMS = { flows: 3000, packets: 12_000, capturedMax: 96, seed: 4 };
const directory = mkdtempSync(join(tmpdir(), "nemean-bench-"));
afterAll(() => rmSync(directory, { recursive: true }));

const generate = (name: string, seed = PARAMS.seed) => {
  const path = join(directory, name);
  const made = writeSynthetic(path, { ...PARAMS, seed });
  return { ...made, file: new Uint8Array(readFileSync(path)) };
};

interface Packet {
  readonly key: string;
  readonly fromClient: boolean;
  readonly v6: boolean;
  readonly vlan: boolean;
  readonly bytes: number;
  readonly tcpFlags: number | undefined;
}

/** Decodes on its own terms, so that the writer's offsets are not taken for granted. */
const decode = (frame: Buffer): Packet => {
  const vlan = frame.readUInt16BE(12) === 0x8100;
  const link = vlan ? 18 : 14;
  const v6 = frame.readUInt16BE(link - 2) === 0x86dd;
  const ip = frame.subarray(link);
  const protocol = ip.readUInt8(v6 ? 6 : 9);
  const [from, to, size] = v6 ? [8, 24, 16] : [12, 16, 4];
  const source = ip.subarray(from, from + size).toString("hex");
  const target = ip.subarray(to, to + size).toString("hex");
  const transport = ip.subarray(v6 ? 40 : 20);
  const ported = protocol === 6 || protocol === 17;
  const ends = [
    `${source}:${ported ? transport.readUInt16BE(0) : 0}`,
    `${target}:${ported ? transport.readUInt16BE(2) : 0}`,
  ];
  return {
    key: `${ends.sort().join("-")}/${protocol}/${vlan ? frame.readUInt16BE(14) : 0}`,
    fromClient: source.startsWith("0a") || source.startsWith("20010db8000000000000"),
    v6,
    vlan,
    bytes: v6 ? 40 + ip.readUInt16BE(4) : ip.readUInt16BE(2),
    tcpFlags: protocol === 6 ? transport.readUInt8(13) : undefined,
  };
};

const packetsOf = (file: Uint8Array): Packet[] => {
  const packets: Packet[] = [];
  walkCapture(file, ({ offset, captured, length }) => {
    const packet = decode(Buffer.from(file.buffer, offset, captured));
    expect(packet.bytes).toBe(length - (packet.vlan ? 18 : 14));
    packets.push(packet);
  });
  return packets;
};

test("writeSynthetic says what is in the file", () => {
  const { truth, size, file } = generate("truth.pcap");
  const packets = packetsOf(file);
  expect(file.length).toBe(size);
  expect(truth).toMatchObject({
    flows: new Set(packets.map(({ key }) => key)).size,
    packets: packets.length,
    bytes: packets.reduce((sum, { bytes }) => sum + bytes, 0),
    packetsV6: packets.filter(({ v6 }) => v6).length,
    packetsVlan: packets.filter(({ vlan }) => vlan).length,
  });
  expect(truth.flows).toBe(PARAMS.flows);
  expect(truth.flowsV6 / truth.flows).toBeCloseTo(0.15, 1);
  expect(truth.flowsVlan / truth.flows).toBeCloseTo(0.1, 1);
});

test("writeSynthetic begins each flow at its client, TCP with a SYN, and closes none", () => {
  const seen = new Set<string>();
  let reverse = 0;
  for (const { key, fromClient, tcpFlags } of packetsOf(generate("first.pcap").file)) {
    const first = !seen.has(key);
    seen.add(key);
    if (first) expect(fromClient).toBe(true);
    if (!fromClient) reverse++;
    if (tcpFlags !== undefined) expect(first ? [0x02] : [0x10, 0x18]).toContain(tcpFlags);
  }
  // Half of the packets after the first ones.
  expect(reverse / (PARAMS.packets - PARAMS.flows)).toBeCloseTo(0.5, 1);
});

test("writeSynthetic spreads the first packets of flows over the whole capture", () => {
  const seen = new Set<string>();
  const late = packetsOf(generate("order.pcap").file).filter(({ key }, index) => {
    const first = !seen.has(key);
    seen.add(key);
    return first && index >= PARAMS.packets / 2;
  });
  // One sure packet and three by chance, all in the second half: 0.5 * e^-1.5, that is 0.11.
  expect(late.length / PARAMS.flows).toBeCloseTo(0.11, 1);
});

test("writeSynthetic gives equal bytes for equal seeds and others for another", () => {
  const { file } = generate("a.pcap");
  expect(Buffer.compare(file, generate("b.pcap").file)).toBe(0);
  expect(Buffer.compare(file, generate("c.pcap", 5).file)).not.toBe(0);
});
