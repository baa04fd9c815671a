// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../core/errors.ts";
import type { AnyModule, ParamOf } from "../core/module.ts";
import { allowed, dashed } from "./derive.ts";

const FLAG_TEXT = new Map([
  ["true", true],
  ["on", true],
  ["yes", true],
  ["1", true],
  ["false", false],
  ["off", false],
  ["no", false],
  ["0", false],
]);

/**
 * A parameter's value from its text; throws ERR_USAGE that names the option and its allowed values.
 * `where` is how the operator wrote it: `--set vportscan.portsMax`.
 */
export function parseParam(param: ParamOf<unknown>, text: string, where: string): unknown {
  const value = parsed(param, text);
  if (value === undefined) throw usageError(`${where}: expected ${allowed(param)}, got "${text}"`);
  return value;
}

function parsed({ kind, options, min, max }: ParamOf<unknown>, text: string): unknown {
  if (kind === "text") return text;
  if (kind === "flag") return FLAG_TEXT.get(text.toLowerCase());
  if (options) return options.includes(text) ? text : undefined;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value) || (kind === "count" && !Number.isInteger(value))) return undefined;
  return value < (min ?? value) || value > (max ?? value) ? undefined : value;
}

/** The parameter of that name, dashed or not; throws ERR_USAGE listing the ones there are. */
export function paramNamed(def: AnyModule, name: string, where: string): string {
  const known = Object.keys(def.params).find((key) => key === name || dashed(key) === name);
  if (known) return known;
  throw usageError(
    `${where}: ${def.name} has no parameter "${name}"; it has ${Object.keys(def.params).join(", ") || "none"}`,
  );
}

const SETTING = /^([a-z][a-z0-9_-]*)\.([A-Za-z][A-Za-z0-9-]*)=(.*)$/s;

/** `MODULE.param=value` settings by module, checked against the declarations. */
export function parseSettings(
  settings: readonly string[],
  modules: readonly AnyModule[],
): Map<string, Record<string, unknown>> {
  const out = new Map<string, Record<string, unknown>>();
  for (const setting of settings) {
    const [, name = "", key = "", text = ""] = SETTING.exec(setting) ?? [];
    if (name === "") throw usageError(`--set: expected MODULE.param=value, got "${setting}"`);
    const def = modules.find((each) => each.name === name || each.aliases?.includes(name));
    if (!def)
      throw usageError(
        `--set ${setting}: no such module; running are ${modules.map((each) => each.name).join(", ")}`,
      );
    const param = paramNamed(def, key, `--set ${setting}`);
    const values = out.get(def.name) ?? {};
    values[param] = parseParam(def.params[param]!, text, `--set ${name}.${key}`);
    out.set(def.name, values);
  }
  return out;
}
