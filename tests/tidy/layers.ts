// SPDX-License-Identifier: BSD-3-Clause
import { importsOf, resolveImport } from "./imports.ts";
import {
  COMPONENT_LAYERS,
  componentOf,
  isSource,
  isTest,
  isTestTool,
  type Project,
} from "./project.ts";

/** Which part of src may import which. Components are kept from one another besides. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: ["core"],
  collectors: ["core", "collectors"],
  modules: ["core", "modules"],
  detectors: ["core", "detectors"],
  exporters: ["core", "exporters"],
  registry: ["core", ...COMPONENT_LAYERS],
  control: ["core", ...COMPONENT_LAYERS, "registry", "control"],
  main: ["control"],
};

/** Pure functions that all exporters share. */
const SHARED = "exporters/formats";

const BUILT_IN = /^(node:|bun$|bun:)/;
const DATABASE = /^(bun|node):sqlite$/;
/** Packages for tests and what tests share. */
const TEST_PACKAGES = new Set(["bun:test", "fast-check"]);

function layerOf(path: string): string | undefined {
  if (path === "src/main.ts") return "main";
  if (path === "src/registry.ts") return "registry";
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

/** Imports that cross a border of the layers. */
export function layerViolations(project: Project): string[] {
  const workspace = workspacePackages(project);
  const wrong: string[] = [];
  for (const [path, text] of project) {
    if (!isSource(path)) continue;
    for (const specifier of importsOf(text)) {
      const target = resolveImport(path, specifier);
      const why =
        target === undefined
          ? packageComplaint(path, specifier, workspace)
          : fileComplaint(path, target);
      if (why !== undefined) wrong.push(`${path} imports ${specifier}: ${why}`);
    }
  }
  return wrong;
}

const usesTestTools = (path: string): boolean => isTest(path) || isTestTool(path);

function fileComplaint(from: string, to: string): string | undefined {
  if (isTest(to)) return "nothing imports a test";
  const home = /^packages\/[^/]+\//.exec(from)?.[0];
  if (home !== undefined) return to.startsWith(home) ? undefined : "a package stands alone";
  if (isTest(from) && to.startsWith("tests/")) return undefined;
  if (isTestTool(to) && !usesTestTools(from)) return "only tests use it";
  const [layer, target] = [layerOf(from) ?? "", layerOf(to) ?? ""];
  if (!MAY_IMPORT[layer]) return `${from} is in no layer`;
  if (!MAY_IMPORT[layer].includes(target)) return `${layer} may not import ${target || to}`;
  const [component, other] = [componentOf(from), componentOf(to)];
  if (layer === target && component !== other && other !== SHARED)
    return "components meet only through src/core";
  return undefined;
}

function packageComplaint(
  from: string,
  specifier: string,
  workspace: ReadonlySet<string>,
): string | undefined {
  if (TEST_PACKAGES.has(specifier)) return usesTestTools(from) ? undefined : "only tests use it";
  const layer = layerOf(from);
  if (layer === "control") return undefined;
  if (DATABASE.test(specifier)) return "only control has a database";
  if (BUILT_IN.test(specifier) || workspace.has(specifier)) return undefined;
  return "below control only Bun, Node and the workspace's packages are used";
}

/** Names of the packages under packages/. */
function workspacePackages(project: Project): Set<string> {
  const names = new Set<string>();
  for (const [path, text] of project) {
    if (/^packages\/[^/]+\/package\.json$/.test(path)) names.add(JSON.parse(text).name);
  }
  return names;
}

/** Source files that nothing but a test imports: they could be deleted and nobody would miss them. */
export function orphans(project: Project): string[] {
  const used = new Set<string>();
  for (const [path, text] of project) {
    if (path.endsWith(".ts")) {
      const onlyTests = usesTestTools(path) || path.startsWith("tests/");
      for (const specifier of importsOf(text)) {
        const target = resolveImport(path, specifier);
        if (target !== undefined && (!onlyTests || isTestTool(target))) used.add(target);
      }
    } else if (/(^|\/)package\.json$/.test(path)) {
      for (const entry of entryPoints(path, text)) used.add(entry);
    }
  }
  return [...project.keys()].filter(
    (path) => isSource(path) && !isTest(path) && !isStarted(path) && !used.has(path),
  );
}

/** Started by name and not imported: the generated registry waits for whoever asks. */
const isStarted = (path: string): boolean =>
  path === "src/registry.ts" || /^packages\/[^/]+\/(bench|examples)\//.test(path);

/** Every file that a package.json names: exports, bin, scripts. */
function entryPoints(path: string, text: string): string[] {
  const folder = path.slice(0, -"package.json".length);
  return [...text.matchAll(/[\w./-]+\.ts\b/g)].map(
    (match) => folder + match[0].replace(/^\.\//, ""),
  );
}
