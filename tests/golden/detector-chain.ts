// SPDX-License-Identifier: BSD-3-Clause
/** A recorded case through processes as an operator starts them: logreplay, a detector, logger. @module */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MAIN = join(import.meta.dir, "../../src/main.ts");

export interface Chain {
  /** Folder of the recordings, and one for what this case needs and writes. */
  readonly source: string;
  readonly folder: string;
  /** The case's name. */
  readonly name: string;
  /** The detector and its options. */
  readonly detector: readonly string[];
  /** Seconds of the detector's wall clock in one of the input's pacing column; at full speed when left out. */
  readonly clockRate?: number;
}

export interface ChainResult {
  /** What logger wrote. */
  readonly csv: string;
  /** How the detector ended, and what it said. */
  readonly exitCode: number;
  readonly stderr: string;
}

/** Run the case in a writable copy of what lies beside the recordings: lists and configurations. */
export async function runChain(chain: Chain): Promise<ChainResult> {
  const { source, folder } = chain;
  mkdirSync(folder);
  for (const file of readdirSync(source))
    if (!file.endsWith(".csv")) cpSync(join(source, file), join(folder, file));
  return chain.clockRate === undefined ? await byFiles(chain) : await bySockets(chain);
}

/** One process after the other, from file to file. */
async function byFiles({ source, folder, name, detector }: Chain): Promise<ChainResult> {
  const input = join(source, `${name}.in.csv`);
  const run = (...args: string[]) => ended(folder, args);
  expectOk(await run("logreplay", "-i", "f:in:w", "-f", input));
  const { exitCode, stderr } = await run(...detector, "-i", "f:in,f:out:w");
  if (!existsSync(join(folder, "out"))) return { csv: "", exitCode, stderr };
  expectOk(await run("logger", "-i", "f:out", "-t", "-w", "got.csv"));
  return { csv: readFileSync(join(folder, "got.csv"), "utf8"), exitCode, stderr };
}

/** All at once, as fast as the input's pacing column says, with the detector's clock at a rate of its own. */
async function bySockets(chain: Chain): Promise<ChainResult> {
  const { source, folder, name, detector, clockRate = 1 } = chain;
  const clock = { NEMEAN_CLOCK_RATE: String(clockRate) };
  const input = join(source, `${name}.in.csv`);
  const output = "u:out:timeout=WAIT:buffer=off";
  const [logged, detected, replayed] = await Promise.all([
    ended(folder, ["logger", "-i", "u:out", "-t", "-w", "got.csv"]),
    ended(folder, [...detector, "-i", `u:in,${output}`], clock),
    ended(folder, ["logreplay", "-i", "u:in:buffer=off", "-f", input]),
  ]);
  expectOk(logged);
  expectOk(replayed);
  return { ...detected, csv: readFileSync(join(folder, "got.csv"), "utf8") };
}

interface Ended {
  readonly command: string;
  readonly exitCode: number;
  readonly stderr: string;
}

/** `nemean run` with these arguments, to its end. */
async function ended(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = Bun.spawn([process.execPath, MAIN, "run", ...args], {
    cwd: folder,
    env: { ...process.env, TRAP_SOCKET_DIR: folder, ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: 60_000,
    killSignal: "SIGKILL",
  });
  const stderr = await new Response(child.stderr).text();
  return { command: args.join(" "), exitCode: await child.exited, stderr };
}

function expectOk({ command, exitCode, stderr }: Ended): void {
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${stderr}`);
}
