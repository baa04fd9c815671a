// SPDX-License-Identifier: BSD-3-Clause
import { posix } from "node:path";

// Bun's own scanner drops type imports and unused names, which the layers are about as well, so
// the statements are read as text. The formatter guarantees their shape: at the line's start,
// double quotes; an example in a doc comment begins with a star and does not match.
const STATIC = /^(?:import|export)\s[\w\s{},*$]*?\bfrom\s+"([^"]+)"/gm;
const BARE = /^import\s+"([^"]+)"/gm;
const DYNAMIC = /\bimport\(\s*"([^"]+)"/g;
const BY_ADDRESS = /\b(?:new URL\(|import\.meta\.resolve\()\s*"(\.[^"]+)"/g;

/** Every import of a file, type imports, `import()` and Workers' addresses included. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  return [STATIC, BARE, DYNAMIC, BY_ADDRESS].flatMap((pattern) =>
    [...code.matchAll(pattern)].map((match) => match[1]!),
  );
}

/** The file that a relative import names, from the root; undefined for a package. */
export const resolveImport = (from: string, specifier: string): string | undefined =>
  specifier.startsWith(".")
    ? posix.normalize(posix.join(posix.dirname(from), specifier))
    : undefined;

const STRING_OR_COMMENT =
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

/** The text with its comments blanked, so that prose may name what code may not use. */
export const withoutComments = (text: string): string =>
  text.replace(STRING_OR_COMMENT, (match) =>
    match.startsWith("/") ? match.replace(/[^\n]/g, " ") : match,
  );
