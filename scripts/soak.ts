// SPDX-License-Identifier: BSD-3-Clause
/**
 * What the test suite does a little of, for long. Without a name all of it:
 *
 *     bun run soak
 *     bun run soak queue 1000        kills the delivery queue so often (200): alerts lost, out of order, repeated
 *     bun run soak store 1000        kills the alert store so often (200): alerts lost, files damaged
 *     bun run soak backlog 1000000   lets so many alerts (200,000) wait for a receiver that comes back
 *     bun run soak memory 60         loops traffic through the appliance for so many minutes (5)
 */
import { join } from "node:path";

const SRC = join(import.meta.dir, "../src/control");
const TESTS = join(import.meta.dir, "../tests");
const SOAKS: Readonly<Record<string, { readonly file: string; readonly usual: number }>> = {
  queue: { file: join(SRC, "delivery/crash.test.ts"), usual: 200 },
  store: { file: join(SRC, "store/database.test.ts"), usual: 200 },
  backlog: { file: join(TESTS, "backlog.test.ts"), usual: 200_000 },
  memory: { file: join(TESTS, "memory.test.ts"), usual: 5 },
};

const [name, number] = process.argv.slice(2);
const known = Object.keys(SOAKS);
const names = name === undefined ? known : [name];
if (!names.every((each) => known.includes(each)) || !/^([1-9]\d*)?$/.test(number ?? "")) {
  console.error(`Usage: bun run soak [NAME [NUMBER]]\nNAME is one of: ${known.join(", ")}`);
  process.exit(64);
}
for (const each of names) {
  const { file, usual } = SOAKS[each]!;
  const child = Bun.spawn([process.execPath, "test", file], {
    stdout: "inherit",
    stderr: "inherit",
    env: { ...process.env, NEMEAN_SOAK: number ?? String(usual) },
  });
  if ((await child.exited) !== 0) process.exitCode = 1;
}
