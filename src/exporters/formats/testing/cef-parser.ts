// SPDX-License-Identifier: BSD-3-Clause
/** A strict reader of the Common Event Format: what it does not expect is an error. */

export interface CefMessage {
  readonly vendor: string;
  readonly product: string;
  readonly version: string;
  readonly signature: string;
  readonly name: string;
  readonly severity: number;
  readonly extension: ReadonlyMap<string, string>;
  /** Values of custom fields, by their labels. */
  readonly labelled: ReadonlyMap<string, string>;
}

export function parseCef(line: string): CefMessage {
  const [head, ...fields] = headerFields(line);
  if (head !== "CEF:0" || fields.length !== 7) throw new Error(`no CEF header: ${line}`);
  const [vendor, product, version, signature, name, severity, rest] = fields;
  if (!/^(\d|10)$/.test(severity!)) throw new Error(`severity ${severity}`);
  const extension = parseExtension(rest!);
  return {
    vendor: vendor!,
    product: product!,
    version: version!,
    signature: signature!,
    name: name!,
    severity: Number(severity),
    extension,
    labelled: labelledValues(extension),
  };
}

/** The seven fields of the header, and all that follows as it is. */
function headerFields(line: string): string[] {
  const fields = [""];
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!;
    if (fields.length === 8) return [...fields.slice(0, 7), line.slice(at)];
    if (char === "|") {
      fields.push("");
      continue;
    }
    const next = line[at + 1] ?? "";
    if (char === "\\" && next !== "\\" && next !== "|") throw new Error(`header escapes ${next}`);
    if (char === "\\") at++;
    fields.push(`${fields.pop()}${line[at]}`);
  }
  return fields;
}

const KEY = /(?:^| )([A-Za-z][A-Za-z0-9_]*)=/g;

function parseExtension(text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  const keys = [...text.matchAll(KEY)];
  if (keys[0]?.index !== 0) throw new Error("extension begins with no key");
  keys.forEach((match, i) => {
    const [all, key] = match;
    if (pairs.has(key!)) throw new Error(`${key} twice`);
    const value = text.slice(match.index + all.length, keys[i + 1]?.index);
    pairs.set(key!, unescaped(value));
  });
  return pairs;
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\", "=": "=", n: "\n", r: "\r" };

function unescaped(value: string): string {
  if (/^(?:[^\\=]|\\.)*$/su.exec(value) === null) throw new Error(`bare = or \\ in ${value}`);
  return value.replace(/\\(.)/gsu, (_, char: string) => {
    const meant = ESCAPES[char];
    if (meant === undefined) throw new Error(`value escapes ${char}`);
    return meant;
  });
}

function labelledValues(extension: ReadonlyMap<string, string>): Map<string, string> {
  const values = new Map<string, string>();
  for (const [key, value] of extension) {
    if (key.endsWith("Label")) values.set(value, required(extension, key.slice(0, -5)));
    if (/^(cs|cn|cfp|c6a|flexNumber)\d$/.test(key)) required(extension, `${key}Label`);
  }
  return values;
}

function required(extension: ReadonlyMap<string, string>, key: string): string {
  const value = extension.get(key);
  if (value === undefined) throw new Error(`no ${key}`);
  return value;
}
