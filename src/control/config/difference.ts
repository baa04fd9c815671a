// SPDX-License-Identifier: BSD-3-Clause
import type { Config } from "./read.ts";

/** Settings by path, with the defaults filled in: what a configuration comes to. */
function flat(value: unknown, path: string, into: Map<string, string>): Map<string, string> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    for (const [name, each] of Object.entries(value))
      flat(each, path === "" ? name : `${path}.${name}`, into);
  else into.set(path, JSON.stringify(value));
  return into;
}

function settingsOf(config: Config): Map<string, string> {
  const { modules, sinks, sources, collectors, commands, links, users, ...rest } = config;
  const all = flat(rest, "", new Map());
  for (const { name, workers, params } of collectors)
    flat({ workers, ...params }, `collectors.${name}`, all);
  for (const { interface: name, ...source } of sources) flat(source, `sources.${name}`, all);
  for (const { name, ...command } of commands) flat(command, `commands.${name}`, all);
  for (const { name, ...user } of users) flat(user, `users.${name}`, all);
  for (const { from, to } of links) all.set(`links.${from} to ${to}`, "true");
  for (const { name, ...sink } of sinks) flat(sink, `sinks.${name}`, all);
  for (const { name, own, params } of modules) {
    all.set(`modules.${name}.enabled`, "true");
    if (own) all.set(`modules.${name}.process`, "true");
    flat(params, `modules.${name}`, all);
  }
  return all;
}

/** What is named in the file, by the path of its settings. */
function itemsOf({ sinks, sources, collectors, commands, users }: Config): Set<string> {
  const named = Object.entries({ sinks, sources, collectors, commands, users });
  return new Set(
    named.flatMap(([list, items]) =>
      items.map((item) => `${list}.${"name" in item ? item.name : item.interface}`),
    ),
  );
}

/** What changes from one configuration to another, a line a setting: `meter.idle: 30 -> 60`; `sinks.siem: added` for all of its settings. */
export function differences(from: Config, to: Config): string[] {
  const before = settingsOf(from);
  const after = settingsOf(to);
  const added = itemsOf(to).difference(itemsOf(from));
  const removed = itemsOf(from).difference(itemsOf(to));
  const isTold = (path: string): boolean =>
    [...added, ...removed].some((item) => path.startsWith(`${item}.`));
  const paths = [...new Set([...before.keys(), ...after.keys()])].sort();
  const settings = paths
    .filter((path) => before.get(path) !== after.get(path) && !isTold(path))
    .map(
      (path) =>
        `${path}: ${before.get(path) ?? absent(path)} -> ${after.get(path) ?? absent(path)}`,
    );
  const items = [...added].map((item) => `${item}: added`);
  return [...items, ...[...removed].map((item) => `${item}: removed`), ...settings].sort();
}

/** What is named in the file, and has no default. */
const LISTS = ["sinks.", "sources.", "collectors.", "commands.", "links.", "users."];

/** What a path is where it is not there. */
function absent(path: string): string {
  if (LISTS.some((list) => path.startsWith(list))) return "none";
  return path.endsWith(".enabled") || path.endsWith(".process") ? "false" : "default";
}
