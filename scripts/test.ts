// SPDX-License-Identifier: BSD-3-Clause
/**
 * The test command: `bun test` over the project, closed by one plain line, `N passed, N failed`,
 * which people and CI read without knowing the runner. Arguments go to `bun test`; without a path
 * among them all of src, packages, tests, web and appliance runs.
 */
const ROOTS = ["./src", "./packages", "./tests", "./web", "./appliance"];
/** The summary stands at the end: what came before the last this many characters is let go. */
const TAIL_CHARS = 65_536;

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Counts of `bun test`'s summary (` 12 pass`, ` 1 skip`, ` 0 fail`, ` 1 error`).
 *
 * An error outside any test (a file that does not load) counts as a failure, and so does a run
 * that failed without saying of what.
 */
export function tally(output: string, exitCode: number): Tally {
  const plain = Bun.stripANSI(output);
  const last = (word: string): number =>
    Number([...plain.matchAll(new RegExp(`^ *(\\d+) ${word}s?$`, "gm"))].at(-1)?.[1] ?? 0);
  const failed = last("fail") + last("error");
  return {
    passed: last("pass"),
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: last("skip") + last("todo"),
  };
}

export const closingLine = ({ passed, failed, skipped }: Tally): string =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;

/** Run the tests, streaming their output; resolves to the runner's exit code. */
export async function runTests(args: readonly string[]): Promise<number> {
  const roots = args.some((arg) => !arg.startsWith("-")) ? [] : ROOTS;
  const child = Bun.spawn([process.execPath, "test", "--timeout", "60000", ...roots, ...args], {
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
    // The pipe would cost a terminal its colours.
    env: process.stderr.isTTY ? { ...process.env, FORCE_COLOR: "1" } : process.env,
  });
  const decoder = new TextDecoder();
  let tail = "";
  for await (const chunk of child.stderr) {
    process.stderr.write(chunk);
    tail = (tail + decoder.decode(chunk, { stream: true })).slice(-TAIL_CHARS);
  }
  const exitCode = await child.exited;
  console.log(closingLine(tally(tail, exitCode)));
  return exitCode;
}

if (import.meta.main) process.exit(await runTests(process.argv.slice(2)));
