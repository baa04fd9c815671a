// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { CaptureFolder, captureFile, udpFrame } from "../fixtures/capture-file.ts";
import { describeWithLibpcap } from "../fixtures/requirements.ts";
import { openDead, openOffline } from "./open.ts";
import { PacketBatch } from "./packet-batch.ts";

const TIME = 1_700_000_000_123_456;

describeWithLibpcap("Pcap", () => {
  const folder = new CaptureFolder();
  afterAll(() => folder[Symbol.dispose]());

  const threeFrames = [53, 80, 53].map((port, i) => ({
    bytes: udpFrame(1000 + i, port, 20 + i),
    time: TIME + i,
    length: 1500 + i,
  }));

  test("next steps through a file of either byte order", () => {
    for (const littleEndian of [true, false]) {
      const path = folder.write(captureFile(threeFrames, { littleEndian, snaplen: 96 }));
      using pcap = openOffline(path);
      expect([pcap.kind, pcap.name, pcap.linkType, pcap.snaplen]).toEqual(["file", path, 1, 96]);
      const seen = [];
      while (pcap.next()) {
        const { bytes, time, captured, length } = pcap;
        expect(captured).toBe(bytes.length);
        seen.push({ bytes, time, length });
      }
      expect(seen).toEqual(threeFrames);
      expect(pcap.ended).toBe(true);
      expect(pcap.next()).toBe(false);
    }
  });

  test("next keeps a time after 2038 exact", () => {
    const time = 4_294_967_295_999_999;
    using pcap = openOffline(folder.write(captureFile([{ bytes: udpFrame(1, 2), time }])));
    expect(pcap.next()).toBe(true);
    expect(pcap.time).toBe(time);
  });

  test("bytes stay as they were after next, close and another file", () => {
    const path = folder.write(captureFile(threeFrames));
    const pcap = openOffline(path);
    pcap.next();
    const first = pcap.bytes;
    while (pcap.next()) pcap.bytes.fill(0xff);
    pcap.close();
    using other = openOffline(folder.write(captureFile([{ bytes: new Uint8Array(60).fill(1) }])));
    other.next();
    expect(first).toEqual(threeFrames[0]!.bytes);
  });

  test("bytes of an empty packet are empty", () => {
    using pcap = openOffline(folder.write(captureFile([{ bytes: new Uint8Array(0), length: 60 }])));
    expect(pcap.next()).toBe(true);
    expect([pcap.bytes.length, pcap.captured, pcap.length]).toEqual([0, 0, 60]);
  });

  test("fields throw when there is no current packet", () => {
    using pcap = openOffline(folder.write(captureFile(threeFrames)));
    const missing = expect.objectContaining({ code: "ERR_PCAP_NO_PACKET" });
    expect(() => pcap.bytes).toThrow(missing);
    pcap.next();
    expect(pcap.readBatch(new PacketBatch(1))).toBe(1);
    expect(() => pcap.time).toThrow(missing);
    while (pcap.next());
    expect(() => pcap.captured).toThrow(missing);
    expect(() => pcap.length).toThrow(missing);
  });

  test("setFilter passes what matches, and what does not compile is libpcap's error", () => {
    using pcap = openOffline(folder.write(captureFile(threeFrames)));
    pcap.setFilter("udp dst port 53");
    const ports = [];
    while (pcap.next()) ports.push(new DataView(pcap.bytes.buffer).getUint16(34));
    expect(ports).toEqual([1000, 1002]);
    const filter = expect.objectContaining({ code: "ERR_PCAP_FILTER" });
    expect(() => pcap.setFilter("port port")).toThrow(filter);
    expect(() => pcap.setFilter("port port")).toThrow('filter "port port": can\'t parse');
    expect(() => pcap.setFilter("udp\0garbage")).toThrow("NUL");
  });

  test("compile follows the handle's link type", () => {
    using raw = openDead(12);
    using program = raw.compile("udp port 53");
    const frame = udpFrame(1000, 53);
    expect(program.matches(frame)).toBe(false);
    expect(program.matches(frame, 14)).toBe(true);
  });

  test("a file refuses what only a device can do", () => {
    using pcap = openOffline(folder.write(captureFile(threeFrames)));
    const refused = expect.objectContaining({ code: "ERR_PCAP_OPERATION" });
    expect(() => pcap.stats()).toThrow(refused);
    expect(() => pcap.setDirection("in")).toThrow(refused);
    expect(() => pcap.inject(udpFrame(1, 2))).toThrow(refused);
  });

  test("a dead handle refuses all but compiling", () => {
    using pcap = openDead(1, 128);
    expect([pcap.kind, pcap.linkType, pcap.snaplen]).toEqual(["dead", 1, 128]);
    const refused = expect.objectContaining({ code: "ERR_PCAP_OPERATION" });
    expect(() => pcap.stats()).toThrow(refused);
    expect(() => pcap.wait(0)).toThrow(refused);
    expect(() => pcap.selectableFd).toThrow(refused);
    expect(() => pcap.next()).toThrow(expect.objectContaining({ code: "ERR_PCAP_READ" }));
    expect(() => pcap.setFilter("tcp")).toThrow(
      expect.objectContaining({ code: "ERR_PCAP_FILTER" }),
    );
  });

  test("wait returns at once for a file, and rejects what poll would take for endless", () => {
    using pcap = openOffline(folder.write(captureFile(threeFrames)));
    expect(pcap.wait(60_000)).toBe(true);
    expect(() => pcap.wait(-1)).toThrow("wait: expected an integer");
    expect(() => pcap.wait(Number.NaN)).toThrow("wait: expected an integer");
  });
});
