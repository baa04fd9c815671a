// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../../errors.ts";
import { FLOWS } from "../../flow/flows.ts";
import { parseTemplate, type Template } from "../../unirec/template.ts";
import { Mapping } from "./mapping.ts";

/** The biflow that the product's meter sends, and what an exporter tells beside it. */
export const DEFAULT_FIELDS = [
  FLOWS.spec,
  "uint8 TOS,uint8 TTL,uint32 ODID,ipaddr EXPORTER_IP",
].join(",");

/** Fields that the message says, and no element: with their types. */
const OF_MESSAGES: Readonly<Record<string, string>> = {
  LINK_BIT_FIELD: "uint64",
  ODID: "uint32",
  EXPORTER_IP: "ipaddr",
};
const RAW_FIELDS = "string RAW_FIELDS";
const BLANK = /\s/;
/** The plugin's mark of a field that a flow may lack: here all may. */
const OPTIONAL = /^\?|\?$/;

/**
 * Mappings that an operator adds: the lines themselves, or the name of a file that has them.
 * @param known lines of `type NAME elements` that stand behind these
 * @throws {NemeanError} ERR_PARAM for a bad line or a file that cannot be read
 */
export function mappingOf(value: string, known = ""): Mapping {
  const isText = value === "" || BLANK.test(value);
  return new Mapping(`${isText ? value : fileText(value)}\n${known}`);
}

function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new NemeanError("ERR_PARAM", EXIT.noInput, `--mapping ${path}: ${messageOf(error)}`);
  }
}

/**
 * The layout of flows with these fields, each `type NAME`, or `NAME` where its type is known.
 * @throws {NemeanError} ERR_PARAM, ERR_TEMPLATE
 */
export function layoutOf(fields: string, mapping: Mapping, raw: boolean): Template {
  const items = (fields.trim() === "" ? DEFAULT_FIELDS : fields).split(",").map((item) => {
    const text = item.trim().replace(OPTIONAL, "").trim();
    if (BLANK.test(text)) return text;
    const type = OF_MESSAGES[text] ?? mapping.typeOf(text);
    if (type !== undefined) return `${type} ${text}`;
    const example = `--mapping "uint32 ${text} e0id1"`;
    throw new NemeanError(
      "ERR_PARAM",
      EXIT.config,
      `--fields: no information element is known for "${text}"; say which one with ${example}`,
    );
  });
  const spec = [...items, ...(raw ? [RAW_FIELDS] : [])].join(",");
  const isBiflow = spec.includes(" PACKETS_REV") && spec.includes(" BYTES_REV");
  return parseTemplate(spec, isBiflow ? "biflow" : "uniflow");
}
