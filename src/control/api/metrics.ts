// SPDX-License-Identifier: BSD-3-Clause
import { FAMILIES, type Look, type Sample } from "./metric-families.ts";

// Prometheus text format 0.0.4: backslash, quote and line feed are escaped in a label's value.
const LABEL_ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };
const LABEL_SPECIAL = /[\\"\n]/g;
const escaped = (value: string): string =>
  value.replace(LABEL_SPECIAL, (character) => LABEL_ESCAPES[character]!);

function sampleLine(name: string, [labels, value]: Sample): string {
  const list = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${list.length > 0 ? `{${list.join(",")}}` : ""} ${value}\n`;
}

/** A scrape in Prometheus' text format; metrics without a value are left out. */
export function metricsText(look: Look): string {
  let text = "";
  for (const [name, { type, help, samples }] of Object.entries(FAMILIES)) {
    const lines = samples(look).map((sample) => sampleLine(name, sample));
    if (lines.length > 0)
      text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
  }
  return text;
}
