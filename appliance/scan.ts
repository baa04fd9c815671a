// SPDX-License-Identifier: BSD-3-Clause
/** That no name of the build host's mirrors and registries is in what leaves the house. @module */
import { relative } from "node:path";
import { BuildError } from "./command.ts";
import type { Source } from "./sources.ts";

/** What cannot be without names: programs and licences as their authors made them. */
const AS_PUBLISHED = [
  /^usr\/bin\/bun$/, // Knows npm's registry by heart.
  /^usr\/share\/doc\/[^/]+\/copyright$/,
  /^usr\/lib\/[^/]+\/perl\/debian-config-data-[^/]+\/README$/,
];
/** Names that everybody uses tell nothing of a build host; they may stand in what others published. */
const PUBLIC = /(^|\.)(debian\.org|npmjs\.org)$/;

/** Names of the machines that the build takes packages from. */
export function hostNames(sources: readonly Source[], registries: readonly string[]): string[] {
  const urls = [...sources.map(({ uri }) => uri), ...registries];
  const names = urls.flatMap((url) => {
    const name = URL.canParse(url) ? new URL(url).hostname : "";
    return name.includes(".") ? [name] : [];
  });
  return [...new Set(names)];
}

/** Files under the paths that hold one of the names, relative to `base`. */
export function mentions(
  names: readonly string[],
  base: string,
  paths: readonly string[],
): string[] {
  if (names.length === 0) return [];
  const patterns = names.flatMap((name) => ["-e", name]);
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    ["nice", "grep", "-rlaF", "--devices=skip", ...patterns, ...paths],
    { stdin: "ignore" },
  );
  if (exitCode > 1) throw new BuildError(`grep: ${stderr}`);
  return stdout
    .toString()
    .split("\n")
    .filter((path) => path !== "")
    .map((path) => relative(base, path));
}

/** @throws {BuildError} that names the files (relative to `base`), not the machines. */
export function scan(names: readonly string[], base: string, paths: readonly string[]): void {
  const secret = names.filter((name) => !PUBLIC.test(name));
  const published = names.filter((name) => PUBLIC.test(name));
  const found = [
    ...mentions(secret, base, paths),
    ...mentions(published, base, paths).filter(
      (path) => !AS_PUBLISHED.some((pattern) => pattern.test(path)),
    ),
  ];
  if (found.length > 0)
    throw new BuildError(`names of this build's mirrors stand in ${found.slice(0, 10).join(", ")}`);
}
