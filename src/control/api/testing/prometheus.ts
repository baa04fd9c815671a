// SPDX-License-Identifier: BSD-3-Clause
/** A strict reader of Prometheus' text format 0.0.4, with the rules that `promtool check metrics` adds. */

export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  /** Value by the sample's labels as JSON. */
  readonly samples: Map<string, number>;
}

const HELP = /^# HELP ([a-zA-Z_:][\w:]*) (\S.*)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge)$/;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{([^\n]*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/y;

function labelsOf(text: string): [string, string][] {
  const labels: [string, string][] = [];
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const found = LABEL.exec(text);
    if (!found) throw new Error(`bad labels: ${text}`);
    const value = found[2]!.replace(/\\(.)/g, (_, character) =>
      character === "n" ? "\n" : character,
    );
    labels.push([found[1]!, value]);
  }
  return labels;
}

/** The family that a TYPE line opens; its HELP line came just before. */
function familyOf(line: string, named: string, help: string): ParsedFamily {
  const [, name, type = ""] = TYPE.exec(line)!;
  if (name !== named) throw new Error(`TYPE of ${name} after HELP of ${named}`);
  if ((type === "counter") !== named.endsWith("_total")) throw new Error(`${named} is no ${type}`);
  return { type, help, samples: new Map() };
}

function addSample(line: string, named: string, family: ParsedFamily | undefined): void {
  const [, name, text = "", number] = SAMPLE.exec(line) ?? [];
  if (!family || name !== named) throw new Error(`bad line, or out of its family: ${line}`);
  const labels = JSON.stringify(Object.fromEntries(labelsOf(text)));
  if (family.samples.has(labels)) throw new Error(`${name}${labels} comes twice`);
  if (family.type === "counter" && Number(number) < 0) throw new Error(`negative: ${line}`);
  family.samples.set(labels, Number(number));
}

/** Families by name; throws at the first line that breaks a rule. */
export function parseMetrics(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const families = new Map<string, ParsedFamily>();
  let name = "";
  let help = "";
  for (const line of text.slice(0, -1).split("\n")) {
    if (HELP.test(line)) {
      [, name = "", help = ""] = HELP.exec(line)!;
      if (families.has(name)) throw new Error(`${name} comes twice`);
    } else if (TYPE.test(line)) families.set(name, familyOf(line, name, help));
    else addSample(line, name, families.get(name));
  }
  return families;
}
