// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { messageOf, paramError } from "../../core/errors.ts";

/** The original's configuration, with its defaults. Times are seconds; files are absolute, or empty for none. */
const DEFAULTS = {
  blacklist_file: "",
  whitelist_file: "",
  store_blacklist_file: "",
  store_whitelist_file: "",
  conn_timeout: 10,
  read_timeout: 10,
  timeout_active: 300,
  timeout_inactive: 60,
  check_period: 60,
  stratum_check: false,
  score_treshold: 7,
  suspect_db_size: 1_048_576,
  suspect_db_stash_size: 4,
  blacklist_db_size: 1_048_576,
  blacklist_db_stash_size: 4,
  whitelist_db_size: 1_048_576,
  whitelist_db_stash_size: 4,
};
export type Config = Readonly<typeof DEFAULTS>;

const COMMENT = /<!--.*?-->/gs;
const FRAME =
  /^\s*(?:<\?xml[^<>]*\?>)?\s*<configuration>\s*<struct name="[^"<>]*">(.*)<\/struct>\s*<\/configuration>\s*$/s;
const ELEMENT = /\s*<element name="([^"<>&]*)">([^<>&]*)<\/element>/y;
const NUMBER = /^\d{1,9}$/;

/** The configuration in a file; the defaults without one. Throws ERR_PARAM that says what is wrong. */
export function readConfig(path: string): Config {
  if (path === "") return DEFAULTS;
  try {
    return parseConfig(readFileSync(path, "utf8"), dirname(path));
  } catch (error) {
    throw paramError(`config ${path}: ${messageOf(error)}`);
  }
}

/** A `<configuration>` of one `<struct>` of `<element>`s, and nothing else. Files are relative to `folder`. */
export function parseConfig(xml: string, folder: string): Config {
  const body = FRAME.exec(xml.replace(COMMENT, ""))?.[1];
  if (body === undefined) throw new Error("no <configuration> of one <struct>");
  const config: Record<string, unknown> = { ...DEFAULTS };
  ELEMENT.lastIndex = 0;
  let at = 0;
  for (let found = ELEMENT.exec(body); found; found = ELEMENT.exec(body)) {
    at = ELEMENT.lastIndex;
    const [, name = "", text = ""] = found;
    if (!Object.hasOwn(DEFAULTS, name)) throw new Error(`no such element: ${name.slice(0, 60)}`);
    config[name] = valueFor(name, text.trim(), folder);
  }
  const rest = body.slice(at).trim();
  if (rest !== "")
    throw new Error(`expected <element name="…">…</element>, got ${rest.slice(0, 60)}`);
  return config as Config;
}

function valueFor(name: string, text: string, folder: string): unknown {
  const model = DEFAULTS[name as keyof typeof DEFAULTS];
  if (typeof model === "string") return text === "-" || text === "" ? "" : resolve(folder, text);
  if (typeof model === "boolean") {
    if (text !== "true" && text !== "false")
      throw new Error(`${name}: expected true or false, got "${text.slice(0, 60)}"`);
    return text === "true";
  }
  if (!NUMBER.test(text)) throw new Error(`${name}: expected a number, got "${text.slice(0, 60)}"`);
  return Number(text);
}
