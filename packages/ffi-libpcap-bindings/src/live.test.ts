// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { udpFrame } from "../fixtures/capture-file.ts";
import { NetworkNamespace, namespaceObstacle } from "../fixtures/network-namespace.ts";
import { addressSpace, openFiles } from "../fixtures/requirements.ts";
import { listDevices } from "./devices.ts";
import { libpcapAvailable } from "./library.ts";
import { type LiveOptions, openLive } from "./open.ts";
import { PacketBatch } from "./packet-batch.ts";
import type { Pcap } from "./pcap.ts";

const obstacle = libpcapAvailable() ? namespaceObstacle() : "libpcap is not installed";
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;

/** Source ports of the frames that arrive until there have been none for `quietMs`; up to 5 s are given to the `least` first. */
function sourcePorts(pcap: Pcap, quietMs = 300, least = 0): number[] {
  const batch = new PacketBatch();
  const view = new DataView(batch.bytes.buffer);
  const ports: number[] = [];
  const patience = performance.now() + 5000;
  let quiet = false;
  while (!quiet || (ports.length < least && performance.now() < patience)) {
    const count = pcap.readBatch(batch);
    for (let i = 0; i < count; i++) ports.push(view.getUint16(batch.start[i]! + 34));
    quiet = count === 0 && !pcap.wait(quietMs);
  }
  return ports;
}

const count = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

describe.skipIf(obstacle !== undefined)(`live capture${reason}`, () => {
  let namespace: NetworkNamespace;
  beforeAll(() => {
    namespace = new NetworkNamespace();
  });
  afterAll(() => namespace[Symbol.dispose]());

  /** Both ends of the pair: what is sent on `left` is captured on `right`. */
  function pair(options: LiveOptions = {}) {
    const left = openLive("left");
    const right = openLive("right", options);
    const send = (ports: number[], to = 53) => {
      for (const port of ports) left.inject(udpFrame(port, to));
    };
    const close = () => {
      left.close();
      right.close();
    };
    return { left, right, send, [Symbol.dispose]: close };
  }

  test("openLive captures every frame, with its time, once", () => {
    using ends = pair();
    expect(ends.right.kind).toBe("device");
    expect([ends.right.linkType, ends.right.snaplen]).toEqual([1, 262144]);
    const before = Date.now() * 1000;
    ends.send(count(0, 500));
    expect(ends.right.wait(5000)).toBe(true);
    expect(ends.right.next()).toBe(true);
    expect(ends.right.bytes).toEqual(udpFrame(0, 53));
    expect(ends.right.time).toBeWithin(before - 1000, Date.now() * 1000 + 1000);
    expect(sourcePorts(ends.right)).toEqual(count(1, 500));
    expect(ends.right.stats()).toEqual({ received: 500, dropped: 0, interfaceDropped: 0 });
    expect([ends.right.next(), ends.right.ended]).toEqual([false, false]);
  });

  test("openLive in immediate mode gives the same frames", () => {
    // Each frame then takes a whole snaplen of the buffer: with the default only 32 have room.
    using ends = pair({ immediate: true, promiscuous: true, snaplen: 2048 });
    ends.send(count(0, 50));
    expect(sourcePorts(ends.right)).toEqual(count(0, 50));
  });

  test("openLive cuts frames to snaplen and tells their length; 0 keeps them whole", () => {
    using ends = pair({ snaplen: 40 });
    using whole = openLive("right", { snaplen: 0 });
    ends.send([7]);
    expect(ends.right.wait(5000) && ends.right.next()).toBe(true);
    expect([ends.right.captured, ends.right.length]).toEqual([40, 62]);
    expect(whole.wait(5000) && whole.next()).toBe(true);
    expect(whole.bytes).toEqual(udpFrame(7, 53));
  });

  test("setFilter lets the kernel drop what does not match", () => {
    using ends = pair();
    ends.right.setFilter("udp dst port 53");
    ends.send(count(0, 10), 53);
    ends.send(count(10, 20), 80);
    ends.send(count(20, 30), 53);
    expect(sourcePorts(ends.right)).toEqual([...count(0, 10), ...count(20, 30)]);
    expect(ends.right.stats().received).toBe(20);
  });

  test("setDirection keeps frames that come in apart from those that go out", () => {
    using ends = pair({ direction: "in" });
    using out = openLive("right", { direction: "out" });
    using both = openLive("right", { direction: "inout" });
    ends.send([1, 2]);
    ends.right.inject(udpFrame(3, 53));
    expect(sourcePorts(ends.right)).toEqual([1, 2]);
    expect(sourcePorts(out)).toEqual([3]);
    expect(sourcePorts(both).sort()).toEqual([1, 2, 3]);
    expect(() => both.setDirection("up" as "in")).toThrow("direction: expected in, out or inout");
  });

  test("stats account for every frame when the buffer overflows", () => {
    // Captured where they leave: on their way to the other end the kernel itself may drop some.
    using sender = openLive("left");
    using pcap = openLive("left", { bufferBytes: 1 << 19 });
    for (const port of count(0, 20_000)) sender.inject(udpFrame(port, 53));
    const seen = sourcePorts(pcap).length;
    const { received, dropped } = pcap.stats();
    expect(dropped).toBeGreaterThan(0);
    expect([received, seen + dropped]).toEqual([20_000, 20_000]);
    for (const port of count(0, 10)) sender.inject(udpFrame(port, 53));
    expect(sourcePorts(pcap).length).toBe(10);
    expect(pcap.stats()).toMatchObject({ received: 20_010, dropped });
  });

  test("wait returns false when its time is over, and selectableFd is a file descriptor", () => {
    using pcap = openLive("right");
    expect(pcap.wait(20)).toBe(false);
    expect(pcap.selectableFd).toBeGreaterThan(2);
  });

  test("a device that is removed is an error at each read, not a crash, and closes cleanly", () => {
    namespace.addPair("gone", "peer");
    using pcap = openLive("gone");
    using sender = openLive("peer");
    sender.inject(udpFrame(1, 53));
    expect(pcap.wait(5000) && pcap.next()).toBe(true);
    namespace.ip("link del gone");
    // Its memory is still mapped: the packet under the cursor stays readable.
    expect(pcap.bytes).toEqual(udpFrame(1, 53));
    const gone = expect.objectContaining({
      code: "ERR_PCAP_READ",
      message: "gone: The interface disappeared",
    });
    for (let i = 0; i < 3; i++) {
      pcap.wait(100);
      expect(() => pcap.next()).toThrow(gone);
    }
    expect(() => pcap.readBatch(new PacketBatch())).toThrow(gone);
    expect(() => sender.inject(udpFrame(1, 53))).toThrow(
      expect.objectContaining({ code: "ERR_PCAP_OPERATION" }),
    );
  });

  test("a device that goes down and comes up again is captured on", async () => {
    using ends = pair();
    namespace.ip("link set right down");
    expect(ends.right.next()).toBe(false);
    namespace.ip("link set right up");
    // The kernel may notice the other end's carrier later, and drops what is sent before.
    while (!listDevices().some(({ name, running }) => name === "left" && running))
      await Bun.sleep(5);
    ends.send([1, 2, 3]);
    expect(sourcePorts(ends.right, 300, 3)).toEqual([1, 2, 3]);
  });

  test("opening and closing a device 1,000 times leaves no file and no memory", async () => {
    const cycle = () => {
      using pcap = openLive("right", { bufferBytes: 1 << 20 });
      pcap.setFilter("udp");
      pcap.next();
    };
    for (let i = 0; i < 50; i++) cycle();
    const files = await openFiles();
    const memory = await addressSpace();
    for (let i = 0; i < 1000; i++) cycle();
    expect(await openFiles()).toBe(files);
    // Leaking the capture buffers would take 1 GB; what Bun itself takes meanwhile is far less.
    expect((await addressSpace()) - memory).toBeLessThan(300 << 20);
  }, 60_000);

  test("listDevices tells names, flags and addresses", () => {
    namespace.ip("addr add 192.0.2.1/24 broadcast 192.0.2.255 dev left");
    const devices = listDevices();
    expect(devices.find(({ name }) => name === "left")).toEqual({
      name: "left",
      addresses: [
        {
          family: "IPv4",
          address: "192.0.2.1",
          netmask: "255.255.255.0",
          broadcast: "192.0.2.255",
        },
      ],
      up: true,
      running: true,
      loopback: false,
      wireless: false,
    });
    const loopback = devices.find(({ name }) => name === "lo");
    expect(loopback).toMatchObject({ up: true, loopback: true });
    expect(loopback?.addresses).toContainEqual({
      family: "IPv4",
      address: "127.0.0.1",
      netmask: "255.0.0.0",
    });
    expect(devices.find(({ name }) => name === "any")?.description).toContain("all interfaces");
  });
});
