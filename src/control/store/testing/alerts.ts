// SPDX-License-Identifier: BSD-3-Clause
/** Alerts for the tests of the store and of the API. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Alert } from "../../../core/alert.ts";

/** 2026-01-05T09:00:00Z. */
export const MONDAY = 1_767_603_600_000_000;

let made = 0;

/** A new event's first alert, a second later than the one made before unless told otherwise. */
export function alertOf(change: Partial<Alert> = {}): Alert {
  const time = change.detectTime ?? MONDAY + made++ * 1_000_000;
  return {
    id: Bun.randomUUIDv7(),
    key: "vportscan:198.51.100.7 192.0.2.1",
    update: 0,
    state: "open",
    detector: "vportscan",
    version: "0.1.0",
    rule: 9_000_001,
    title: "Vertical port scan",
    category: "Recon.Scanning",
    severity: 5,
    confidence: 0.9,
    techniques: ["T1046"],
    detectTime: time,
    firstTime: time - 3_000_000,
    lastTime: time,
    source: { ip: "198.51.100.7", port: 50_000 },
    target: { ip: "192.0.2.1" },
    protocol: 6,
    reason: "50 ports of 192.0.2.1 in 3 s",
    observed: 50,
    threshold: 50,
    evidence: [],
    sensor: "test",
    interface: "tap0",
    ...change,
  };
}

/** A folder of its own, which goes with the test. */
export class TestFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "nemean-store-"));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
