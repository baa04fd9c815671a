// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../alert.ts";

/** Alert number `n` of a test: no two have the same id. */
export const numberedAlert = (n: number, fields: Partial<Alert> = {}): Alert => ({
  id: `0197c0de-0000-7000-8000-${n.toString(16).padStart(12, "0")}`,
  key: `haddrscan:192.0.2.${n % 256}`,
  update: 0,
  state: "open",
  detector: "haddrscan",
  version: "0.1.0",
  rule: 9_000_002,
  title: "Horizontal scan of addresses",
  category: "Recon.Scanning",
  severity: 5,
  confidence: 0.9,
  techniques: ["T1046"],
  detectTime: 1_795_485_600_123_456 + n,
  firstTime: 1_795_485_500_000_000,
  lastTime: 1_795_485_600_000_000,
  source: { ip: "192.0.2.7" },
  target: { count: 300, port: 22 },
  protocol: 6,
  reason: `300 addresses, alert ${n}`,
  evidence: [],
  sensor: "nemean-01",
  interface: "tap0",
  ...fields,
});

/** Alerts numbered from `from` on. */
export const numberedAlerts = (count: number, from = 0): Alert[] =>
  Array.from({ length: count }, (_, i) => numberedAlert(from + i));
