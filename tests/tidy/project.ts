// SPDX-License-Identifier: BSD-3-Clause
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The project's text files: path from the root to text. Rules look at this, never at the disk. */
export type Project = ReadonlyMap<string, string>;

/** Folders that git ignores, wherever they are. */
const IGNORED = new Set([".git", ".cache", "node_modules", "dist", "coverage"]);
const TEXT =
  /\.(ts|tsx|js|mjs|json|jsonc|toml|md|sh|sql|lock|yml|yaml|html|css|conf|service|pkr\.hcl)$/;
const TEXT_BY_NAME = new Set([".ci/run", ".bun-version", ".editorconfig", ".gitignore", "LICENSE"]);

/** Read the tree by walking it: git may be missing where the tests run. */
export function readProject(root: string): Project {
  const project = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!IGNORED.has(entry.name)) walk(path);
      } else if (entry.isFile() && (TEXT.test(entry.name) || TEXT_BY_NAME.has(path))) {
        project.set(path, readFileSync(join(root, path), "utf8"));
      }
    }
  };
  walk("");
  return project;
}

/** `src/detectors/ddos/table.test.ts` and type tests: what only the test runner loads. */
export const isTest = (path: string): boolean => /\.(test|test-d)\.tsx?$/.test(path);

/** Test kits, and what tests share inside a folder: no test itself, and only for tests. */
export const isTestTool = (path: string): boolean =>
  /^(src|packages)\/.*(\/(testing|fixtures)\/|\/test-kit\.ts$)/.test(path);

/** TypeScript that is part of the product or of its packages, tests included. */
export const isSource = (path: string): boolean =>
  /^(src|packages)\/.*\.ts$/.test(path) && !path.endsWith(".d.ts");

/** The component folders of src, and all that stands directly in them is a component. */
export const COMPONENT_LAYERS = ["collectors", "detectors", "exporters", "modules"] as const;

/** The component that a file belongs to: `detectors/ddos` for `src/detectors/ddos/table.test.ts`. */
export function componentOf(path: string): string | undefined {
  const match = /^src\/(collectors|detectors|exporters|modules)\/([^/.]+)(\/|\.(?:.*\.)?ts$)/.exec(
    path,
  );
  return match ? `${match[1]}/${match[2]}` : undefined;
}
