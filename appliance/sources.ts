// SPDX-License-Identifier: BSD-3-Clause
/** Which of the build host's apt sources the image is made from. @module */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BuildError } from "./command.ts";

export const RELEASE = "bookworm";
const SUITES = [RELEASE, `${RELEASE}-updates`, `${RELEASE}-security`];

/** One source: a mirror with suites of Debian. */
export interface Source {
  readonly uri: string;
  readonly suite: string;
  readonly signedBy: string | undefined;
}

const ONE_LINE = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/;
const SIGNED = /(?:^|\s)signed-by=(\S+)/;

/** Sources of a one-line file (`*.list`). */
export const fromList = (text: string): Source[] =>
  text.split("\n").flatMap((line) => {
    const [, options = "", uri, suite, components] = ONE_LINE.exec(line.trim()) ?? [];
    if (uri === undefined || !isDebian(suite!, components!)) return [];
    return [{ uri, suite: suite!, signedBy: SIGNED.exec(options)?.[1] }];
  });

const FIELD = /^([A-Za-z-]+):\s*(.*)$/;

/** Sources of a deb822 file (`*.sources`). */
export const fromDeb822 = (text: string): Source[] =>
  text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const line of stanza.split("\n")) {
      const [, name, value] = FIELD.exec(line) ?? [];
      if (name !== undefined) fields.set(name.toLowerCase(), value!.trim());
    }
    const words = (name: string): string[] => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (!words("types").includes("deb") || words("enabled").includes("no")) return [];
    const [signedBy] = words("signed-by");
    return words("uris").flatMap((uri) =>
      words("suites")
        .filter((suite) => isDebian(suite, fields.get("components") ?? ""))
        .map((suite) => ({ uri, suite, signedBy })),
    );
  });

/** Suites of other archives may bear any name, but Debian's bear these. */
const isDebian = (suite: string, components: string): boolean =>
  SUITES.includes(suite) && components.split(/\s+/).includes("main");

/**
 * What the machine's apt takes of Debian 12.
 * @throws {BuildError} when that is nothing.
 */
export function hostSources(etc = "/etc/apt"): Source[] {
  const parts = join(etc, "sources.list.d");
  const files = [
    join(etc, "sources.list"),
    ...(existsSync(parts) ? readdirSync(parts).toSorted() : []).map((name) => join(parts, name)),
  ];
  const sources = files.flatMap((file) => {
    if (!existsSync(file)) return [];
    if (file.endsWith(".list")) return fromList(readFileSync(file, "utf8"));
    return file.endsWith(".sources") ? fromDeb822(readFileSync(file, "utf8")) : [];
  });
  if (!sources.some(({ suite }) => suite === RELEASE))
    throw new BuildError(`no source of Debian ${RELEASE} in ${etc}: the image is made from them`);
  return sources;
}

/** A source as mmdebstrap takes it. */
export const sourceLine = ({ uri, suite, signedBy }: Source): string =>
  `deb ${signedBy === undefined ? "" : `[signed-by=${signedBy}] `}${uri} ${suite} main`;
