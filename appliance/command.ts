// SPDX-License-Identifier: BSD-3-Clause

/** What an operator has to mend, in one line. */
export class BuildError extends Error {}

interface Options {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/**
 * Run a program at low priority, and give what it says.
 * @throws {BuildError} with the last lines of what it said, when it fails or is not there.
 */
export function run(command: readonly string[], { cwd, env, input }: Options = {}): string {
  if (Bun.which(command[0]!) === null) throw new BuildError(`${command[0]} is not installed`);
  const { exitCode, stdout, stderr } = Bun.spawnSync(["nice", ...command], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, LC_ALL: "C", ...env },
    stdin: input === undefined ? "ignore" : Buffer.from(input),
  });
  if (exitCode === 0) return stdout.toString();
  const said = `${stdout}${stderr}`.trimEnd().split("\n").slice(-12).join("\n");
  throw new BuildError(`${command.join(" ")}: exit ${exitCode}\n${said}`);
}

/** Do one step, and say how long it took. */
export function step<T>(name: string, work: () => T): T {
  const begin = performance.now();
  const result = work();
  console.log(
    `${name.padEnd(36)} ${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s`,
  );
  return result;
}
