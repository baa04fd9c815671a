// SPDX-License-Identifier: BSD-3-Clause
/**
 * Shows every protocol of the meter's plugins damaged packets, a million of each kind:
 *
 *     bun run fuzz                   all protocols
 *     bun run fuzz dns tls           these
 *
 * The test suite does the same with 20,000.
 */
import { join } from "node:path";

const CASES = "1000000";
const PROTOCOLS = join(import.meta.dir, "../src/core/metadata/protocols");

const names = process.argv.slice(2);
const files =
  names.length === 0 ? [PROTOCOLS] : names.map((name) => join(PROTOCOLS, `${name}.test.ts`));
const child = Bun.spawn([process.execPath, "test", ...files, "-t", "damaged packets"], {
  stdout: "inherit",
  stderr: "inherit",
  env: { ...process.env, NEMEAN_FUZZ: CASES },
});
process.exit(await child.exited);
