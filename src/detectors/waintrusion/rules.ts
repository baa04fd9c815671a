// SPDX-License-Identifier: BSD-3-Clause
import type { Rule } from "../../core/alert.ts";
import type { Family } from "./indications.ts";

const exploit = (id: number, title: string, more: Partial<Rule> = {}): Rule => ({
  id,
  title,
  category: "Attempt.Exploit",
  severity: 6,
  confidence: 0.7,
  techniques: ["T1190"],
  ...more,
});

export const rules: Readonly<Record<Family | "probing", Rule>> = {
  methods: exploit(9_000_140, "HTTP method of debuggers", {
    category: "Recon.Scanning",
    severity: 3,
    techniques: ["T1595.002"],
  }),
  traversal: exploit(9_000_141, "HTTP request for a way out of the folder"),
  files: exploit(9_000_142, "HTTP request for a file of the system", { confidence: 0.8 }),
  restricted: exploit(9_000_143, "HTTP request for a file nobody should get", {
    category: "Recon.Scanning",
    severity: 4,
    techniques: ["T1595.003", "T1552.001"],
  }),
  php: exploit(9_000_144, "Code of PHP in an HTTP request", { severity: 7 }),
  shell: exploit(9_000_145, "Unix command in an HTTP request", {
    severity: 8,
    confidence: 0.8,
    techniques: ["T1190", "T1059.004"],
  }),
  powershell: exploit(9_000_146, "Windows command in an HTTP request", {
    severity: 8,
    techniques: ["T1190", "T1059.001"],
  }),
  sql: exploit(9_000_147, "SQL injection in an HTTP request", { severity: 7, confidence: 0.8 }),
  xss: exploit(9_000_148, "Script in an HTTP request", {
    severity: 5,
    techniques: ["T1190", "T1059.007"],
  }),
  java: exploit(9_000_149, "Java look-up or expression in an HTTP request", {
    severity: 8,
    confidence: 0.9,
  }),
  scanners: exploit(9_000_150, "Scanner of web applications", {
    category: "Recon.Scanning",
    severity: 4,
    confidence: 0.95,
    techniques: ["T1595.002"],
  }),
  protocol: exploit(9_000_151, "HTTP request that breaks the protocol"),
  inclusion: exploit(9_000_152, "Address for the server to fetch in an HTTP request"),
  probing: exploit(9_000_153, "Many weak indications of an attack by HTTP", {
    category: "Recon.Scanning",
    severity: 4,
    confidence: 0.5,
    techniques: ["T1595.002"],
  }),
};
