// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import type { AnyExporter } from "../../core/exporter.ts";
import type { AnyModule } from "../../core/module.ts";
import { matcherOf } from "../delivery/route.ts";
import { allowed } from "../derive.ts";
import { allExporters, allModules } from "../modules.ts";
import { type PluginGroups, parsePlugins } from "../plugins.ts";
import { placeOf, placesOf } from "./locate.ts";
import { ConfigError, type Problem, suggestion } from "./problem.ts";
import {
  API,
  FLOW_TARGETS,
  METER,
  MODULE,
  type Setting,
  type Settings,
  type SettingsOf,
  SINK,
  SOURCE,
  TOP,
} from "./shape.ts";

/** `[api]`: where the API listens. */
export type ApiConfig = SettingsOf<typeof API>;

/** A configuration, checked, with all defaults. */
export interface Config extends SettingsOf<typeof TOP> {
  readonly source: SettingsOf<typeof SOURCE>;
  readonly meter: SettingsOf<typeof METER>;
  readonly plugins: PluginGroups;
  readonly flows: SettingsOf<typeof FLOW_TARGETS>;
  readonly api: ApiConfig;
  readonly sinks: readonly SinkConfig[];
  /** Modules that run, and the parameters that the file sets. */
  readonly modules: readonly { readonly name: string; readonly params: Record<string, unknown> }[];
}

/** A receiver of alerts, by the name it has in the file. */
export interface SinkConfig {
  readonly name: string;
  readonly exporter: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly route: Omit<SettingsOf<typeof SINK>, "exporter">;
}

type Table = Readonly<Record<string, unknown>>;
/** What the parser puts in front of what is wrong. */
const PREFIX = /^Invalid TOML document: /;
const SECTIONS = ["sources", "meter", "flows", "api", "modules", "sinks"];

/**
 * Read a configuration file.
 * @throws {NemeanError} ERR_CONFIG with all that is wrong with it
 */
export async function readConfig(path: string): Promise<Config> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new NemeanError("ERR_CONFIG", EXIT.noInput, `--config ${path}: ${messageOf(error)}`);
  }
  return await parseConfig(text, path);
}

/**
 * Check a configuration's text; `file` is what errors call it.
 * @throws {ConfigError} with all that is wrong with it
 */
export async function parseConfig(text: string, file: string): Promise<Config> {
  const check = new Check(text);
  const root = tableOf(text, file);
  const known = [...Object.keys(TOP), ...SECTIONS];
  for (const name of Object.keys(root))
    if (!known.includes(name)) check.unknown([name], name, known, "the file");
  const source = check.only(root["sources"]);
  const meter = check.table(root["meter"], ["meter"], METER);
  const config: Config = {
    ...check.settings(pick(root, Object.keys(TOP)), [], TOP),
    source,
    meter,
    plugins: check.plugins(meter.plugins),
    flows: check.table(root["flows"], ["flows"], FLOW_TARGETS),
    api: check.table(root["api"], ["api"], API),
    modules: await check.modules(root["modules"]),
    sinks: await check.sinks(root["sinks"]),
  };
  if (check.problems.length > 0) throw new ConfigError(file, check.problems);
  return config;
}

function tableOf(text: string, file: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line says it; the others show the place, which is in front of it already.
    const message = error.message.split("\n")[0]!.replace(PREFIX, "");
    throw new ConfigError(file, [{ line: error.line, column: error.column, message }]);
  }
}

const pick = (table: Table, names: readonly string[]): Table =>
  Object.fromEntries(Object.entries(table).filter(([name]) => names.includes(name)));

const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** Collects what is wrong, so that one look shows all of it. */
class Check {
  readonly problems: Problem[] = [];
  readonly #places: ReturnType<typeof placesOf>;

  constructor(text: string) {
    this.#places = placesOf(text);
  }

  wrong(path: readonly string[], message: string): void {
    this.problems.push({ ...placeOf(this.#places, path), message });
  }

  unknown(path: readonly string[], name: string, known: readonly string[], where: string): void {
    this.wrong(path, `${where} has no "${name}"${suggestion(name, known)}`);
  }

  /** A table by its declared settings, with defaults for what is left out. */
  table<S extends Settings>(value: unknown, path: readonly string[], declared: S): SettingsOf<S> {
    if (value !== undefined && !isTable(value))
      this.wrong(path, `${path.join(".")}: expected a table, as [${path.join(".")}]`);
    return this.settings(isTable(value) ? value : {}, path, declared);
  }

  settings<S extends Settings>(table: Table, path: readonly string[], declared: S): SettingsOf<S> {
    const where = path.length === 0 ? "the file" : `[${path.join(".")}]`;
    const given: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(table)) {
      const setting = declared[name];
      if (setting) given[name] = this.#value(setting, value, [...path, name]);
      else this.unknown([...path, name], name, Object.keys(declared), where);
    }
    const all = Object.entries(declared).map(([name, setting]) => [
      name,
      given[name] ?? setting.default,
    ]);
    return Object.fromEntries(all) as SettingsOf<S>;
  }

  /** The value where it is one that the setting takes; undefined, and a problem, where it is not. */
  #value(setting: Setting, value: unknown, path: readonly string[]): unknown {
    if (takes(setting, value)) return value;
    const expected = setting.kind === "texts" ? "a list of texts" : allowed(setting);
    this.wrong(path, `${path.join(".")}: expected ${expected}, got ${JSON.stringify(value)}`);
    return undefined;
  }

  /** The one source there may be. */
  only(value: unknown): SettingsOf<typeof SOURCE> {
    const list = Array.isArray(value) ? (value as unknown[]) : [];
    if (value !== undefined && !Array.isArray(value))
      this.wrong(["sources"], "sources: expected a list of tables, as [[sources]]");
    else if (list.length > 1)
      this.wrong(["sources", "1"], "sources: one interface is captured from; leave the others out");
    const source = this.table(list[0], ["sources", "0"], SOURCE);
    if (source.interface === "" && this.problems.length === 0)
      this.wrong(
        ["sources", "0"],
        'sources: name the interface of the tap: [[sources]] interface = "eth0"',
      );
    return source;
  }

  plugins(names: readonly string[]): PluginGroups {
    try {
      return parsePlugins(names.join(","));
    } catch (error) {
      this.wrong(["meter", "plugins"], `meter.plugins: ${messageOf(error)}`);
      return [];
    }
  }

  async modules(value: unknown): Promise<Config["modules"]> {
    const loaded = await allModules();
    const detectors = loaded.filter(({ kind }) => kind === "detector").map(({ def }) => def);
    if (value !== undefined && !isTable(value))
      this.wrong(["modules"], "modules: expected tables, as [modules.NAME]");
    const tables = isTable(value) ? value : {};
    for (const name of Object.keys(tables))
      if (!detectors.some((def) => def.name === name))
        this.unknown(
          ["modules", name],
          name,
          detectors.map((def) => def.name),
          "[modules]",
        );
    return detectors.flatMap((def) => this.#module(def, tables[def.name]));
  }

  async sinks(value: unknown): Promise<SinkConfig[]> {
    if (value === undefined) return [];
    if (!isTable(value)) {
      this.wrong(["sinks"], "sinks: expected tables, as [sinks.NAME]");
      return [];
    }
    const exporters = await allExporters();
    return Object.entries(value).flatMap(([name, table]) => this.#sink(name, table, exporters));
  }

  #sink(name: string, value: unknown, exporters: readonly AnyExporter[]): SinkConfig[] {
    const path = ["sinks", name];
    const table = isTable(value) ? value : {};
    const wanted = String(table["exporter"] ?? "");
    const def = exporters.find((each) => each.name === wanted);
    if (!def) {
      const known = exporters.map((each) => each.name);
      const at = "exporter" in table ? [...path, "exporter"] : path;
      this.wrong(at, `sinks.${name}: no exporter "${wanted}"${suggestion(wanted, known)}`);
      return [];
    }
    const all = this.table(value, path, { ...def.params, ...SINK });
    const { exporter, severity, categories, detectors, prefixes } = all;
    const params = Object.keys(def.params).map((key) => [key, all[key as keyof typeof all]]);
    const route = { severity, categories, detectors, prefixes };
    try {
      matcherOf(route);
    } catch (error) {
      this.wrong([...path, "prefixes"], `sinks.${name}: ${messageOf(error)}`);
    }
    return [{ name, exporter, params: Object.fromEntries(params), route }];
  }

  #module(def: AnyModule, value: unknown): Config["modules"] {
    const path = ["modules", def.name];
    const table = isTable(value) ? value : {};
    const { enabled, ...params } = this.table(value, path, { ...MODULE, ...def.params });
    const set = Object.keys(table).filter((name) => name in def.params);
    const given = Object.fromEntries(
      set.map((name) => [name, params[name as keyof typeof params]]),
    );
    return enabled ? [{ name: def.name, params: given }] : [];
  }
}

/** Whether a setting can have the value. */
function takes(setting: Setting, value: unknown): boolean {
  if (setting.kind === "texts")
    return Array.isArray(value) && value.every((each) => typeof each === "string");
  const { kind, options, min, max } = setting;
  if (kind === "flag") return typeof value === "boolean";
  if (kind === "text") return typeof value === "string";
  if (options) return options.includes(value);
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  if (kind === "count" && !Number.isInteger(value)) return false;
  return value >= (min ?? value) && value <= (max ?? value);
}
