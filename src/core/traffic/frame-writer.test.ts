// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import fc from "fast-check";
import { FRAMES_MAX, FrameBatch } from "../packet/frames.ts";
import { FrameWriter } from "./frame-writer.ts";
import { TrafficGenerator } from "./generator.ts";
import { Host, type IpVersion } from "./host.ts";
import { route } from "./path.ts";
import { TcpSegment } from "./tcp-segment.ts";

/** The ones' complement sum of bytes as RFC 1071 section 4.1 writes it, folded. */
function onesSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += i % 2 === 0 ? bytes[i]! * 256 : bytes[i]!;
  while (sum > 0xffff) sum = (sum % 65536) + Math.floor(sum / 65536);
  return sum;
}

/** The sums of a frame that must be all ones: of the IPv4 header, and of the transport with pseudo-header. */
function checkedSums(frame: Uint8Array): number[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const tagged = view.getUint16(12) === 0x8100;
  const etherType = view.getUint16(tagged ? 16 : 12);
  const ip = tagged ? 18 : 14;
  if (etherType === 0x0806) return [];
  const v4 = etherType === 0x0800;
  const transport = ip + (v4 ? 20 : 40);
  const end = v4 ? ip + view.getUint16(ip + 2) : transport + view.getUint16(ip + 4);
  const protocol = frame[ip + (v4 ? 9 : 6)]!;
  const content = frame.subarray(transport, end);
  const addresses = frame.subarray(v4 ? ip + 12 : ip + 8, transport);
  const size = content.length;
  const pseudo = protocol === 1 ? [] : [...addresses, 0, protocol, size >> 8, size & 255];
  const sums = [onesSum(Uint8Array.from([...pseudo, ...content]))];
  return v4 ? [onesSum(frame.subarray(ip, transport)), ...sums] : sums;
}

const gateway = new Host({ ipv4: 0x0a000001, mac: [0x0200, 1], local: true });

function pair(vlan: number): [Host, Host] {
  const client = new Host({
    ipv4: 0x0a000102,
    ipv6: [0x20010db8, 1, 0xfffffffe, 0xffff0002],
    mac: [0x0200, 0xfedcba98],
    local: true,
    vlan,
  });
  return [client, new Host({ ipv4: 0xc6120007, ipv6: [0x20010db8, 0x80000000, 0, 7] })];
}

const hexOf = (frames: FrameBatch, index: number): string =>
  frames.bytes
    .subarray(frames.start[index]!, frames.start[index]! + frames.captured[index]!)
    .toHex();

test("FrameWriter.tcp writes right checksums for any header and any length of payload", () => {
  const writer = new FrameWriter();
  const noise = Array.from({ length: 1460 }, (_, i) => (i * 151 + 7) & 255);
  const plain = writer.payloads.add(noise);
  const record = writer.payloads.add([23, 3, 3, 0, 0, ...noise.slice(5)], true);
  const frames = new FrameBatch();
  const fields = fc.record({
    size: fc.integer({ min: 6, max: 1440 }),
    tls: fc.boolean(),
    version: fc.constantFrom<IpVersion>(4, 6),
    vlan: fc.constantFrom(0, 20),
    flags: fc.nat(63),
    sequence: fc.integer(),
    window: fc.nat(65535),
  });
  const property = fc.property(fields, ({ size, tls, version, vlan, ...header }) => {
    const [client, server] = pair(vlan);
    const block = tls ? record : plain;
    const syn = (header.flags & 2) !== 0;
    const segment = Object.assign(new TcpSegment(), { ...header, size: syn ? 0 : size, block });
    writer.begin(frames);
    writer.tcp(1, route(client, server, version, gateway).forth, segment);
    const frame = frames.bytes.subarray(0, frames.captured[0]!);
    for (const sum of checkedSums(frame)) expect(sum).toBe(0xffff);
    if (tls && !syn)
      expect(frame.subarray(-size).subarray(3, 5)).toEqual(
        Uint8Array.of((size - 5) >> 8, size - 5),
      );
  });
  fc.assert(property, { seed: 3, numRuns: 200 });
});

test("FrameWriter writes right checksums in all frames of generated traffic", () => {
  const traffic = new TrafficGenerator({ seed: 11, seconds: 10, scale: 0.3 });
  const frames = new FrameBatch();
  const sums = new Set<number>();
  while (traffic.next(frames)) {
    for (let i = 0; i < frames.count; i++) {
      const start = frames.start[i]!;
      for (const sum of checkedSums(frames.bytes.slice(start, start + frames.captured[i]!)))
        sums.add(sum);
    }
  }
  expect([...sums]).toEqual([0xffff]);
});

test("FrameWriter.tcp writes a SYN of a tagged client byte for byte", () => {
  const writer = new FrameWriter();
  const frames = new FrameBatch();
  const [client, server] = pair(20);
  const segment = Object.assign(new TcpSegment(), {
    sourcePort: 40000,
    targetPort: 443,
    sequence: 0x01020304,
    flags: 2,
  });
  writer.begin(frames);
  writer.tcp(77, route(client, server, 4, gateway).forth, segment);
  expect(hexOf(frames, 0)).toBe(
    // Gateway, client, VLAN 20, IPv4.
    "0200000000010200fedcba98810000140800" +
      // 52 bytes, identification of the address, don't fragment, TTL 64, TCP.
      "450000340b02400040065ea7" +
      "0a000102c6120007" +
      "9c4001bb01020304000000008002faf0" +
      "01040000020405b40101040201030307",
  );
  expect([frames.time[0], frames.length[0], frames.captured[0]]).toEqual([77, 70, 70]);
});

test("FrameWriter.arp asks all and answers one, padded to the shortest frame", () => {
  const writer = new FrameWriter();
  const frames = new FrameBatch();
  const [client] = pair(0);
  const { forth, back } = route(client, gateway, 4, gateway);
  writer.begin(frames);
  writer.arp(1, forth, false);
  writer.arp(2, back, true);
  const padding = "00".repeat(18);
  expect(hexOf(frames, 0)).toBe(
    `ffffffffffff0200fedcba9808060001080006040001${"0200fedcba980a000102"}0000000000000a000001${padding}`,
  );
  expect(hexOf(frames, 1)).toBe(
    `0200fedcba9802000000000108060001080006040002${"0200000000010a000001"}0200fedcba980a000102${padding}`,
  );
});

test("FrameWriter has room for a batch of the longest frames in front of the payloads", () => {
  const writer = new FrameWriter();
  const block = writer.payloads.add(new Uint8Array(1460).fill(0xaa));
  const frames = new FrameBatch();
  const [client, server] = pair(20);
  const { forth } = route(client, server, 4, gateway);
  const segment = Object.assign(new TcpSegment(), { flags: 16, block, size: 1460 });
  writer.begin(frames);
  for (let i = 0; i < FRAMES_MAX; i++) writer.tcp(i, forth, segment);
  const last = FRAMES_MAX - 1;
  expect(frames.start[last]! + frames.captured[last]!).toBeLessThanOrEqual(block.offset);
});

test("PayloadArena refuses more than it has room for", () => {
  const writer = new FrameWriter();
  const fill = (): void => {
    for (let i = 0; i < 3000; i++) writer.payloads.add(new Uint8Array(1460));
  };
  expect(fill).toThrow("payload arena is too small");
});
