// SPDX-License-Identifier: BSD-3-Clause
import type { EvidenceFlow } from "../../src/core/alert.ts";
import { Batch } from "../../src/core/batch.ts";
import type { Receiver } from "../../src/core/port.ts";
import { Traffic } from "./traffic.ts";

/** What two implementations of one detector must agree on, of each alert. */
export interface Finding {
  readonly key: string;
  readonly observed: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly closed: boolean;
  readonly evidence: readonly EvidenceFlow[];
}

/** A detector, made to be driven as a link drives a module. */
export type Make = (found: (finding: Finding) => void) => Receiver;

export interface Result {
  readonly flows: number;
  /** User and system time of the process while the detector worked, JIT and collector included. */
  readonly cpuNsPerFlow: number;
  readonly alerts: number;
  /** Hash of all findings in their order. */
  readonly digest: string;
}

/** Batches made at a time, outside the measured time: so many that asking for the CPU time costs nothing beside. */
const BATCHES = 140;
const SECOND = 1_000_000;

/** Drive the variant over `flows` flows after `warmUp` others, and print its {@link Result}. */
export function measure(make: Make, flows: number, warmUp: number): void {
  const hash = new Bun.CryptoHasher("sha256");
  let alerts = 0;
  const detector = make((finding) => {
    alerts++;
    hash.update(JSON.stringify(finding));
  });
  const traffic = new Traffic();
  const batches = Array.from({ length: BATCHES }, () => new Batch());
  let measured = 0;
  let cpu = 0;
  while (traffic.count < warmUp + flows) {
    const warm = traffic.count >= warmUp;
    for (const batch of batches) traffic.fill(batch);
    const before = process.cpuUsage();
    for (const batch of batches) detector.receive(batch);
    detector.advance(traffic.now - 30 * SECOND);
    const { user, system } = process.cpuUsage(before);
    if (!warm) continue;
    cpu += user + system;
    for (const { count } of batches) measured += count;
  }
  detector.end();
  const result: Result = {
    flows: measured,
    cpuNsPerFlow: (cpu * 1000) / measured,
    alerts,
    digest: hash.digest("hex"),
  };
  console.log(JSON.stringify(result));
}
