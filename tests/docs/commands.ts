// SPDX-License-Identifier: BSD-3-Clause
/** Commands and configurations that a document shows. @module */

/** A command line of the product. */
export interface CommandLine {
  /** `docs/trap.md:12`. */
  readonly place: string;
  /** What follows `nemean`. */
  readonly words: readonly string[];
  /** Whether it stands in a block, to be typed as it is; in a sentence arguments may be left out. */
  readonly isWhole: boolean;
}

interface Block {
  readonly line: number;
  readonly language: string;
  readonly lines: readonly string[];
}

/** Fenced blocks with their language, and indented ones without; blank lines do not end the latter. */
function blocksOf(text: string): Block[] {
  const blocks: { line: number; language: string; lines: string[] }[] = [];
  let fenced = false;
  let open: (typeof blocks)[number] | undefined;
  const begin = (line: number, language: string): void => {
    open = { line, language, lines: [] };
    blocks.push(open);
  };
  for (const [i, line] of text.split("\n").entries()) {
    const fence = /^```(\w*)/.exec(line);
    if (fence) {
      fenced = !fenced;
      open = undefined;
      if (fenced) begin(i + 2, fence[1]!);
    } else if (fenced) open!.lines.push(line);
    else if (line.startsWith("    ")) {
      if (!open) begin(i + 1, "");
      open!.lines.push(line.slice(4));
    } else if (line === "") open?.lines.push("");
    else open = undefined;
  }
  return blocks;
}

const PROGRAM =
  /(?:^|[\s(|;&])(?:nemean|(?:npm|bun) run (?:--silent )?nemean(?: --)?|bun src\/main\.ts)(?: (.*))?$/;
/** The one command that has a script of its own. */
const DEMO = /^(?:npm|bun) run demo(?: -- | |$)(.*)/;
const WORD = /'([^']*)'|"([^"]*)"|(\S+)/g;
/** Where a command ends: a comment, a redirection, or the next command. */
const END = /^(#|[<>|;&]|\d>)/;

function wordsIn(line: string): string[] | undefined {
  const demo = DEMO.exec(line);
  const program = PROGRAM.exec(line);
  if (!demo && !program) return undefined;
  const words: string[] = demo ? ["demo"] : [];
  for (const [, single, double, bare] of (demo ?? program)![1]?.matchAll(WORD) ?? []) {
    if (bare !== undefined && END.test(bare)) break;
    words.push(single ?? double ?? bare!);
  }
  return words;
}

const SHELL = new Set(["", "sh", "bash", "shell"]);

export function commandLines(path: string, text: string): CommandLine[] {
  const found: CommandLine[] = [];
  const add = (line: number, shown: string, isWhole: boolean): void => {
    const words = wordsIn(shown);
    if (words) found.push({ place: `${path}:${line}`, words, isWhole });
  };
  const blocks = blocksOf(text);
  const inBlocks = new Set(blocks.flatMap(({ line, lines }) => lines.map((_, i) => line + i)));
  for (const [i, line] of text.split("\n").entries()) {
    if (inBlocks.has(i + 1)) continue;
    for (const [, code] of line.matchAll(/`([^`]+)`/g))
      if (/^(nemean|npm|bun) /.test(code!)) add(i + 1, code!, false);
  }
  for (const { line, language, lines } of blocks)
    if (SHELL.has(language))
      for (const [i, shown] of lines.entries())
        if (!/^nemean: /.test(shown)) add(line + i, shown, true);
  return found;
}

/** Lines of all blocks that readers type. */
export const shellLines = (text: string): string[] =>
  blocksOf(text)
    .filter(({ language }) => SHELL.has(language))
    .flatMap(({ lines }) => lines.filter((line) => line !== ""));

/** Blocks of TOML, those that are indented too. */
export const tomlBlocks = (path: string, text: string): { place: string; text: string }[] =>
  blocksOf(text)
    .filter(
      ({ language, lines }) =>
        language === "toml" || (language === "" && /^\[/.test(lines[0] ?? "")),
    )
    .map(({ line, lines }) => ({ place: `${path}:${line}`, text: lines.join("\n") }));
