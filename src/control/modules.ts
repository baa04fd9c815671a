// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../core/errors.ts";
import type { AnyExporter } from "../core/exporter.ts";
import type { AnyModule } from "../core/module.ts";
import { type ComponentKind, exporters, registry } from "../registry.ts";
import { modulePorts } from "./module-ports.ts";
import type { ModuleEntry } from "./supervise/layout.ts";

/** A declaration and which kind of component it is. */
export interface LoadedModule {
  readonly kind: ComponentKind;
  readonly def: AnyModule;
}

/** All modules of the registry, loaded. */
export async function allModules(): Promise<LoadedModule[]> {
  return Promise.all(
    [...registry.values()].map(async ({ kind, load }) => ({ kind, def: (await load()).default })),
  );
}

/** The module of that name or alias; throws ERR_USAGE listing the ones there are, `where` in front. */
export async function moduleNamed(name: string, where = ""): Promise<AnyModule> {
  const direct = registry.get(name);
  if (direct) return (await direct.load()).default;
  const found = (await allModules()).find(({ def }) => def.aliases?.includes(name));
  if (found) return found.def;
  throw usageError(`${where}no module "${name}"; there are ${[...registry.keys()].join(", ")}`);
}

/**
 * Modules by name; all detectors when no names are given.
 * @throws {NemeanError} ERR_USAGE that names the option when a name is unknown or given twice, or none is given
 */
export async function modulesNamed(names: readonly string[] | undefined): Promise<AnyModule[]> {
  if (names === undefined) {
    const detectors = (await allModules()).filter(({ kind }) => kind === "detector");
    return detectors.map(({ def }) => def);
  }
  if (names.length === 0)
    throw usageError(`--modules: a name is missing; there are ${[...registry.keys()].join(", ")}`);
  const defs = await Promise.all(names.map((name) => moduleNamed(name, "--modules: ")));
  const twin = defs.find((def, i) => defs.indexOf(def) !== i);
  if (twin) throw usageError(`--modules: ${twin.name} is given twice`);
  return defs;
}

/** A detector of the product, beside others in their process. */
export const moduleEntry = (
  def: AnyModule,
  params: Readonly<Record<string, unknown>> = {},
): ModuleEntry => ({
  name: def.name,
  kind: "detector",
  own: false,
  params,
  inputs: Object.keys(def.inputs),
  outputs: Object.keys(def.outputs),
  wants: modulePorts([def]),
});

/** All exporters of the registry, loaded. */
export async function allExporters(): Promise<AnyExporter[]> {
  return Promise.all([...exporters.values()].map(async ({ load }) => (await load()).default));
}

/** The exporter of that name; throws ERR_USAGE listing the ones there are, `where` in front. */
export async function exporterNamed(name: string, where = ""): Promise<AnyExporter> {
  const found = exporters.get(name);
  if (found) return (await found.load()).default;
  throw usageError(`${where}no exporter "${name}"; there are ${[...exporters.keys()].join(", ")}`);
}
