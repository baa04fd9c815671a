// SPDX-License-Identifier: BSD-3-Clause
/**
 * Kills the delivery queue at random, 200 times, and looks whether alerts were lost or out of order:
 *
 *     bun run soak                   200 times
 *     bun run soak 1000              as often
 *
 * The test suite does the same 5 times.
 */
import { join } from "node:path";

const [kills = "200"] = process.argv.slice(2);
if (!/^[1-9]\d*$/.test(kills)) {
  console.error(`soak: expected a number of kills, got "${kills}"\nUsage: bun run soak [KILLS]`);
  process.exit(64);
}
const file = join(import.meta.dir, "../src/control/delivery/crash.test.ts");
const child = Bun.spawn([process.execPath, "test", file], {
  stdout: "inherit",
  stderr: "inherit",
  env: { ...process.env, NEMEAN_SOAK: kills },
});
process.exit(await child.exited);
