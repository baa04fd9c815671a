// SPDX-License-Identifier: BSD-3-Clause
// No packet is lost: each one read of the reference captures is in a flow or counted as ignored.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { meterCapture } from "../src/core/flow/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../src/core/testing/shared.ts";

const MANIFEST = "corpus/MANIFEST.tsv";
const absent = !hasShared(MANIFEST);
const ROWS = absent ? [] : readFileSync(sharedPath(MANIFEST), "utf8").trim().split("\n").slice(1);

const FOLDERS = [
  "pcap/tcpdump",
  "pcap/pcapng-suite",
  "pcap/suricata-verify",
  "pcap/flowtest",
  "pcap/ipfixprobe",
  "labelled",
];

/** Captures of a folder, and how many packets capinfos finds in each, where it could tell. */
function capturesOf(folder: string): { file: string; packets: number | undefined }[] {
  return ROWS.map((row) => row.split("\t"))
    .filter(([file]) => file!.startsWith(`${folder}/`) && /\.(pcap|pcapng)$/.test(file!))
    .map(([file, , , , , facts]) => {
      const packets = /(?:^| )packets=(\d+)/.exec(facts!)?.[1];
      return { file: file!, packets: packets === undefined ? undefined : Number(packets) };
    });
}

describe.skipIf(absent)(`Meter, accounting${absent ? ` (${NO_SHARED})` : ""}`, () => {
  test.each(FOLDERS)(
    "Meter has each packet in a flow or counts it as ignored: %s",
    (folder) => {
      const wrong: string[] = [];
      const captures = capturesOf(folder);
      let total = 0;
      let inFlows = 0;
      for (const { file, packets } of captures) {
        const { rows, stats, summary, late } = meterCapture(sharedPath("corpus", file), {
          flowsMax: 1 << 18,
        });
        const { nonIp, malformed, unknownLink } = stats.ignored;
        const flowed = rows.reduce((sum, row) => sum + row.PACKETS + row.PACKETS_REV, 0);
        const accounted = flowed + nonIp + malformed + unknownLink;
        const expected = packets ?? summary.packets;
        total += summary.packets;
        inFlows += flowed;
        if (accounted !== expected || stats.packets !== expected)
          wrong.push(
            `${file}: ${accounted} accounted, ${stats.packets} read, expected ${expected}`,
          );
        const backwards = rows.filter((row) => row.TIME_LAST < row.TIME_FIRST).length;
        if (backwards > 0) wrong.push(`${file}: ${backwards} flows end before they begin`);
        // A capture whose time goes back cannot keep what was told of it.
        if (late > 0 && stats.clockJumps === 0)
          wrong.push(`${file}: ${late} flows came after the watermark they lie below`);
        if (stats.flows !== rows.length)
          wrong.push(`${file}: ${stats.flows} of ${rows.length} flows`);
        if (stats.live !== 0) wrong.push(`${file}: ${stats.live} flows stayed in the table`);
      }
      process.stdout.write(
        `${folder}: ${captures.length} captures, ${total} packets, ${inFlows} of them in flows\n`,
      );
      expect(wrong).toEqual([]);
      expect(captures.length).toBeGreaterThan(0);
    },
    60_000,
  );
});
