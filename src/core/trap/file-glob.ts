// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, readdirSync } from "node:fs";

const WILD = /(?<!\\)(?:\\\\)*[*?[]/;
const ESCAPE = /\\(.)/gs;
const SYNTAX = /[\\^$.*+?()[\]{}|/&~-]/g;

/**
 * Paths that match a pattern, sorted: `*` any characters, `?` one, `[a-z]` and `[!a-z]` one of a set; a backslash
 * takes the meaning from what follows. As in a shell, none of them matches a slash, nor a dot that begins a name.
 * Folders that cannot be read hold no match.
 */
export function globPaths(pattern: string): string[] {
  let paths = [pattern.startsWith("/") ? "/" : ""];
  for (const segment of pattern.split("/").filter((each) => each !== "")) {
    const next = WILD.test(segment)
      ? paths.flatMap((folder) => namesIn(folder, segment).map((name) => below(folder, name)))
      : paths.map((folder) => below(folder, segment.replace(ESCAPE, "$1")));
    paths = next;
  }
  return paths.filter((path) => existsSync(path)).sort();
}

const below = (folder: string, name: string): string =>
  folder === "" || folder === "/" ? folder + name : `${folder}/${name}`;

function namesIn(folder: string, segment: string): string[] {
  const expression = segmentExpression(segment);
  const hidden = segment.startsWith(".") || segment.startsWith("\\.");
  try {
    return readdirSync(folder === "" ? "." : folder).filter(
      (name) => (hidden || !name.startsWith(".")) && expression.test(name),
    );
  } catch {
    return [];
  }
}

const literal = (text: string): string => text.replace(SYNTAX, "\\$&");

/** The regular expression of one name in a path. */
function segmentExpression(segment: string): RegExp {
  let source = "";
  for (let i = 0; i < segment.length; i++) {
    const character = segment[i]!;
    if (character === "*") source += "[^]*?";
    else if (character === "?") source += "[^]";
    else if (character === "[") {
      const set = readSet(segment, i);
      source += set ? set.source : "\\[";
      if (set) i = set.last;
    } else if (character === "\\") source += literal(segment[++i] ?? "\\");
    else source += literal(character);
  }
  return new RegExp(`^${source}$`);
}

/** The set that a bracket at `at` begins, and where it ends; undefined when nothing closes it. */
function readSet(segment: string, at: number): { source: string; last: number } | undefined {
  const negated = segment[at + 1] === "!" || segment[at + 1] === "^";
  const first = at + (negated ? 2 : 1);
  const members: string[] = [];
  for (let i = first; i < segment.length; i++) {
    const character = segment[i]!;
    // A bracket right at the start is a member.
    if (character === "]" && i > first)
      return { source: `[${negated ? "^" : ""}${members.join("")}]`, last: i };
    const isRange = segment[i + 1] === "-" && i + 2 < segment.length && segment[i + 2] !== "]";
    if (!isRange) {
      members.push(literal(character === "\\" ? (segment[++i] ?? "\\") : character));
      continue;
    }
    const to = segment[i + 2]!;
    // A range from high to low holds nothing.
    if (character <= to) members.push(`${literal(character)}-${literal(to)}`);
    i += 2;
  }
  return undefined;
}
