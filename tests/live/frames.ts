// SPDX-License-Identifier: BSD-3-Clause
import { PcapWriter } from "../../bench/capture/pcap-writer.ts";
import { FrameBatch } from "../../src/core/packet/frames.ts";
import { TrafficGenerator } from "../../src/core/traffic/generator.ts";

/** Write so many frames of generated traffic as a capture file. */
export function writeTraffic(path: string, frames: number): void {
  const traffic = new TrafficGenerator({ seed: 1, scale: frames / 30_000 });
  const batch = new FrameBatch();
  const file = new PcapWriter(path, 65_535);
  let written = 0;
  while (written < frames && traffic.next(batch)) {
    const { start, captured, length, time, bytes, count } = batch;
    for (let i = 0; i < count && written < frames; i++, written++) {
      const at = file.begin(time[i]!, captured[i]!, length[i]!);
      file.bytes.set(bytes.subarray(start[i]!, start[i]! + captured[i]!), at);
    }
  }
  file.close();
  if (written < frames) throw new Error(`only ${written} of ${frames} frames were generated`);
}

const IPV4 = 14;
const TCP = IPV4 + 20;

/** An Ethernet frame with a TCP SYN; addresses are numbers, checksums are left out. */
export function synFrame(source: number, target: number, port: number): Uint8Array {
  const frame = new Uint8Array(new ArrayBuffer(60));
  const view = new DataView(frame.buffer);
  frame.fill(2, 0, 12);
  view.setUint16(12, 0x0800);
  view.setUint8(IPV4, 0x45);
  view.setUint16(IPV4 + 2, 40);
  view.setUint8(IPV4 + 8, 64);
  view.setUint8(IPV4 + 9, 6);
  view.setUint32(IPV4 + 12, source);
  view.setUint32(IPV4 + 16, target);
  view.setUint16(TCP, 40_000 + (port & 0xff));
  view.setUint16(TCP + 2, port);
  view.setUint8(TCP + 12, 0x50);
  view.setUint8(TCP + 13, 0x02);
  return frame;
}
