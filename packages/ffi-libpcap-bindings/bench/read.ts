// SPDX-License-Identifier: BSD-3-Clause
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { captureFile, udpFrame } from "../fixtures/capture-file.ts";
import { compileFilter, openOffline, PacketBatch } from "../src/index.ts";

// bun bench/read.ts [readBatch|next|nextBytes|matches]: CPU time of one way to read, each in a process
// of its own, since in a shared one the JIT's profiles mix. Without an argument: all of them.

const PACKETS = 1_000_000;
const ROUNDS = 5;

/** Reads the whole file and returns how many UDP packets it saw, so that no work is left out. */
const WAYS: Readonly<Record<string, (path: string) => number>> = {
  readBatch(path) {
    using pcap = openOffline(path);
    const batch = new PacketBatch();
    let udp = 0;
    for (let count = pcap.readBatch(batch); count > 0; count = pcap.readBatch(batch)) {
      for (let i = 0; i < count; i++) if (batch.bytes[batch.start[i]! + 23] === 17) udp++;
    }
    return udp;
  },
  next(path) {
    using pcap = openOffline(path);
    let udp = 0;
    while (pcap.next()) if (pcap.captured === 96) udp++;
    return udp;
  },
  nextBytes(path) {
    using pcap = openOffline(path);
    let udp = 0;
    while (pcap.next()) if (pcap.bytes[23] === 17) udp++;
    return udp;
  },
  matches() {
    using program = compileFilter("udp dst port 53");
    const frame = udpFrame(1000, 53, 54);
    let udp = 0;
    for (let i = 0; i < PACKETS; i++) if (program.matches(frame, 0, 96, 96)) udp++;
    return udp;
  },
};

function measure(name: string): void {
  const path = join(tmpdir(), `libpcap-bindings-bench-${process.pid}.pcap`);
  const packet = { bytes: udpFrame(1000, 53, 54) };
  writeFileSync(path, captureFile(Array.from({ length: PACKETS }, () => packet)));
  const nanoseconds: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.cpuUsage();
      if (WAYS[name]!(path) !== PACKETS) throw new Error(`${name}: packets are missing`);
      const { user, system } = process.cpuUsage(before);
      nanoseconds.push(((user + system) * 1000) / PACKETS);
    }
  } finally {
    rmSync(path);
  }
  nanoseconds.sort((a, b) => a - b);
  const median = nanoseconds[ROUNDS >> 1]!;
  process.stdout.write(
    `${name.padEnd(10)} ${median.toFixed(1)} ns of CPU a packet (median of 5)\n`,
  );
}

const way = process.argv[2];
if (way !== undefined) {
  if (!Object.hasOwn(WAYS, way))
    throw new Error(`unknown way ${way}: ${Object.keys(WAYS).join(", ")}`);
  measure(way);
} else {
  for (const name of Object.keys(WAYS)) {
    Bun.spawnSync([process.execPath, import.meta.path, name], {
      stdout: "inherit",
      stderr: "inherit",
    });
  }
}
