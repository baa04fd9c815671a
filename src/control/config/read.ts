// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { parseListen } from "../../collectors/ipfix/listen.ts";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import type { AnyExporter } from "../../core/exporter.ts";
import { NAME_RULE, userName } from "../auth/text.ts";
import { COLLECTOR_PARAMS } from "../collector-source.ts";
import { matcherOf } from "../delivery/route.ts";
import { allowed } from "../derive.ts";
import { modulePorts } from "../module-ports.ts";
import { allExporters, allModules, type LoadedModule } from "../modules.ts";
import { type PluginGroups, parsePlugins } from "../plugins.ts";
import { layoutOf, type ModuleEntry } from "../supervise/layout.ts";
import { LinkError } from "../supervise/wiring.ts";
import { placeOf, placesOf } from "./locate.ts";
import { productOf } from "./plan.ts";
import { ConfigError, type Problem, suggestion } from "./problem.ts";
import {
  API,
  COLLECTOR,
  COMMAND,
  DETECTOR,
  FLOW_TARGETS,
  LIMITS,
  LINK,
  LISTS,
  METER,
  MODULE,
  type Setting,
  type Settings,
  type SettingsOf,
  SINK,
  SOURCE,
  TOP,
  USER,
} from "./shape.ts";

/** `[api]`: where the API listens. */
export type ApiConfig = SettingsOf<typeof API>;

/** A configuration, checked, with all defaults. */
export interface Config extends SettingsOf<typeof TOP> {
  readonly sources: readonly SettingsOf<typeof SOURCE>[];
  readonly collectors: readonly CollectorConfig[];
  readonly meter: SettingsOf<typeof METER>;
  readonly plugins: PluginGroups;
  readonly flows: SettingsOf<typeof FLOW_TARGETS>;
  readonly api: ApiConfig;
  readonly limits: SettingsOf<typeof LIMITS>;
  readonly lists: SettingsOf<typeof LISTS>;
  readonly sinks: readonly SinkConfig[];
  /** Modules that run. */
  readonly modules: readonly ModuleConfig[];
  readonly commands: readonly (SettingsOf<typeof COMMAND> & { readonly name: string })[];
  readonly links: readonly SettingsOf<typeof LINK>[];
  readonly users: readonly UserConfig[];
}

/** Exporters' flows, by the name it has in the file. */
export interface CollectorConfig {
  readonly name: string;
  readonly workers: number;
  /** Parameters that the file sets. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** A user that is there once the configuration is in force. */
export type UserConfig = SettingsOf<typeof USER> & { readonly name: string };

/** A module that runs. */
export interface ModuleConfig
  extends Pick<ModuleEntry, "kind" | "own" | "inputs" | "outputs" | "wants"> {
  readonly name: string;
  /** Parameters that the file sets. */
  readonly params: Readonly<Record<string, unknown>>;
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
const SECTIONS = [
  "sources",
  "collectors",
  "meter",
  "flows",
  "api",
  "limits",
  "lists",
  "modules",
  "commands",
  "links",
  "users",
  "sinks",
];
/** Names of commands: they are part of names of processes and of sockets. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/i;

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
  const meter = check.table(root["meter"], ["meter"], METER);
  const config: Config = {
    ...check.settings(pick(root, Object.keys(TOP)), [], TOP),
    sources: check.sources(
      root["sources"],
      isTable(root["collectors"]) && hasAny(root["collectors"]),
    ),
    collectors: check.collectors(root["collectors"]),
    meter,
    plugins: check.plugins(meter.plugins),
    flows: check.table(root["flows"], ["flows"], FLOW_TARGETS),
    api: check.table(root["api"], ["api"], API),
    limits: check.table(root["limits"], ["limits"], LIMITS),
    lists: check.table(root["lists"], ["lists"], LISTS),
    modules: await check.modules(root["modules"]),
    commands: check.commands(root["commands"]),
    links: check.list(root["links"], "links", LINK),
    users: check.users(root["users"]),
    sinks: await check.sinks(root["sinks"]),
  };
  check.differ(config);
  if (check.problems.length === 0) check.layout(config);
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

const hasAny = (table: Table): boolean => Object.keys(table).length > 0;

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

  /** A list of tables. */
  list<S extends Settings>(value: unknown, name: string, declared: S): SettingsOf<S>[] {
    if (value !== undefined && !Array.isArray(value))
      this.wrong([name], `${name}: expected a list of tables, as [[${name}]]`);
    const list = Array.isArray(value) ? (value as unknown[]) : [];
    return list.map((each, i) => this.table(each, [name, String(i)], declared));
  }

  /** The interfaces that are captured from, none twice; one at least where no flows are collected. */
  sources(value: unknown, collects: boolean): SettingsOf<typeof SOURCE>[] {
    const sources = this.list(value, "sources", SOURCE);
    const isSound = this.problems.length === 0;
    const names = sources.map((each) => each.interface);
    if (isSound && sources.length === 0 && !collects)
      this.wrong(
        ["sources"],
        'sources: name the interface of the tap: [[sources]] interface = "eth0"',
      );
    for (const [i, name] of names.entries()) {
      const path = ["sources", String(i)];
      if (isSound && name === "")
        this.wrong(path, 'sources: name the interface of the tap: interface = "eth0"');
      else if (names.indexOf(name) < i)
        this.wrong(path, `sources: ${name} is captured from already`);
    }
    return sources;
  }

  collectors(value: unknown): CollectorConfig[] {
    if (value !== undefined && !isTable(value))
      this.wrong(["collectors"], "collectors: expected tables, as [collectors.NAME]");
    return Object.entries(isTable(value) ? value : {}).map(([name, table]) => {
      const path = ["collectors", name];
      const all: Readonly<Record<string, unknown>> = this.table(table, path, {
        ...COLLECTOR_PARAMS,
        ...COLLECTOR,
      });
      if (!NAME.test(name))
        this.wrong(path, `collectors: "${name}": expected up to 32 letters, digits, - and _`);
      const workers = Number(all["workers"]);
      this.#listens(path, String(all["listen"]), workers);
      const set = Object.keys(isTable(table) ? table : {}).filter((key) => key in COLLECTOR_PARAMS);
      return { name, workers, params: pick(all, set) };
    });
  }

  #listens(path: readonly string[], listen: string, workers: number): void {
    const where = path.join(".");
    if (listen === "") {
      this.wrong(path, `${where}: say where flows come from: listen = "udp:0.0.0.0:4739"`);
      return;
    }
    try {
      const isShared = parseListen(listen).every(({ kind }) => kind === "udp");
      if (workers > 1 && !isShared)
        this.wrong(
          [...path, "workers"],
          `${where}.workers: only udp:HOST:PORT can be shared by ${workers} processes`,
        );
    } catch (error) {
      this.wrong([...path, "listen"], `${where}.listen: ${messageOf(error)}`);
    }
  }

  /** Names of sources are part of names of processes and of sockets. */
  differ({ sources, collectors }: Config): void {
    for (const { name } of collectors)
      if (sources.some((source) => source.interface === name))
        this.wrong(
          ["collectors", name],
          `collectors: "${name}" is an interface of [[sources]]: choose another name`,
        );
  }

  commands(value: unknown): Config["commands"] {
    if (value !== undefined && !isTable(value))
      this.wrong(["commands"], "commands: expected tables, as [commands.NAME]");
    return Object.entries(isTable(value) ? value : {}).map(([name, table]) => {
      const path = ["commands", name];
      const command = { name, ...this.table(table, path, COMMAND) };
      if (!NAME.test(name))
        this.wrong(path, `commands: "${name}": expected up to 32 letters, digits, - and _`);
      else if (command.command.length === 0)
        this.wrong(path, `commands.${name}: name the program: command = ["/usr/bin/nemea/x"]`);
      return command;
    });
  }

  users(value: unknown): UserConfig[] {
    if (value !== undefined && !isTable(value))
      this.wrong(["users"], "users: expected tables, as [users.NAME]");
    return Object.entries(isTable(value) ? value : {}).map(([name, table]) => {
      const path = ["users", name];
      const user = { name, ...this.table(table, path, USER) };
      if (userName(name) === undefined) this.wrong(path, `users: ${NAME_RULE}`);
      else if (user.passwordFile === "")
        this.wrong(path, `users.${name}: name the file of the first password: passwordFile = "…"`);
      return user;
    });
  }

  /** Whether what the modules and links say can be built. */
  layout(config: Config): void {
    try {
      layoutOf(productOf(config));
    } catch (error) {
      const path = error instanceof LinkError ? ["links", String(error.link)] : ["links"];
      this.wrong(path, messageOf(error));
    }
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
    const loaded = (await allModules()).filter(({ kind }) => kind !== "collector");
    if (value !== undefined && !isTable(value))
      this.wrong(["modules"], "modules: expected tables, as [modules.NAME]");
    const tables = isTable(value) ? value : {};
    const known = loaded.map(({ def }) => def.name);
    for (const name of Object.keys(tables))
      if (!known.includes(name)) this.unknown(["modules", name], name, known, "[modules]");
    return loaded.flatMap((each) => this.#module(each, tables[each.def.name]));
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

  #module({ kind, def }: LoadedModule, value: unknown): Config["modules"] {
    const path = ["modules", def.name];
    const table = isTable(value) ? value : {};
    const isDetector = kind === "detector";
    const own = isDetector ? DETECTOR : MODULE;
    const all: Readonly<Record<string, unknown>> = this.table(value, path, {
      ...own,
      ...def.params,
    });
    if (all["enabled"] !== true) return [];
    const set = Object.keys(table).filter((name) => name in def.params);
    return [
      {
        name: def.name,
        kind: isDetector ? "detector" : "module",
        own: all["process"] === true,
        inputs: Object.keys(def.inputs),
        wants: modulePorts([def]),
        outputs: Object.keys(def.outputs),
        params: Object.fromEntries(set.map((name) => [name, all[name]])),
      },
    ];
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
