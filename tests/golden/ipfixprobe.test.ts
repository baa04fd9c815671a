// SPDX-License-Identifier: BSD-3-Clause
// Biflows that ipfixprobe 5.7.0 exported as UniRec, against ours of the same capture, line by line.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { meterText } from "../../src/core/flow/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../src/core/testing/shared.ts";

const FOLDER = "corpus/pcap/ipfixprobe";
const absent = !hasShared(FOLDER);
/** ipfixprobe's defaults, with which the flows were recorded. */
const TIMEOUTS = { active: 300, idle: 30 };

describe.skipIf(absent)(`Meter, ipfixprobe's flows${absent ? ` (${NO_SHARED})` : ""}`, () => {
  test("Meter sends the biflows of mixed.pcap as ipfixprobe's basic output has them", () => {
    // The lines are sorted, so the header stands among them.
    const golden = readFileSync(sharedPath(FOLDER, "golden/basic"), "utf8").trim().split("\n");
    const header = golden.find((line) => line.startsWith("ipaddr "))!;
    const lines = meterText(sharedPath(FOLDER, "mixed.pcap"), header, TIMEOUTS);
    const expected = new Set(golden);
    const equal = lines.filter((line) => expected.has(line)).length - 1;
    process.stdout.write(`ipfixprobe: ${equal}/${golden.length - 1} biflows of basic equal\n`);
    expect(lines.toSorted()).toEqual(golden.toSorted());
    expect(golden.length).toBe(49);
  });
});
