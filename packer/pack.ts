// SPDX-License-Identifier: BSD-3-Clause
/**
 * `npm run appliance:pack`: has Packer boot the box's disk, look that it is well, and make a box for Vagrant of it.
 *
 *   bun packer/pack.ts [--validate] DISK
 *
 * Packer lets all addresses reach the machine's ssh while it builds, so it runs in a network of its own.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BuildError, run } from "../appliance/command.ts";
import { hasKvm } from "../appliance/machine.ts";
import { authorizedKey } from "../appliance/ssh-key.ts";

const ROOT = join(import.meta.dir, "..");
const OUT = join(ROOT, ".cache/packer");

async function pack(disk: string, validateOnly: boolean): Promise<number> {
  if (Bun.which("packer") === null) throw new BuildError("packer is not installed");
  const folder = mkdtempSync(join(tmpdir(), "nemean-packer-"));
  try {
    const key = join(folder, "id");
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "packer", "-f", key]);
    const variables = {
      image: disk,
      sha256: run(["sha256sum", disk]).split(" ", 1)[0]!,
      key,
      tmpfiles: Buffer.from(authorizedKey(readFileSync(`${key}.pub`, "utf8"))).toString("base64"),
      accelerator: hasKvm() ? "kvm" : "tcg",
      cpu: hasKvm() ? "host" : "max",
      out: OUT,
    };
    rmSync(OUT, { recursive: true, force: true });
    mkdirSync(OUT, { recursive: true });
    const values = Object.entries(variables).flatMap(([name, value]) => [
      "-var",
      `${name}=${value}`,
    ]);
    const verb = validateOnly ? ["validate"] : ["build", "-color=false", "-timestamp-ui"];
    const packer = ["packer", ...verb, ...values, "packer/nemean.pkr.hcl"];
    const { exited } = Bun.spawn(
      ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec nice "$@"', "sh", ...packer],
      {
        cwd: ROOT,
        env: { ...process.env, CHECKPOINT_DISABLE: "1", PACKER_CACHE_DIR: join(folder, "cache") },
        stdio: ["ignore", "inherit", "inherit"],
      },
    );
    return await exited;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { validate: { type: "boolean" } },
});
try {
  const [disk] = positionals;
  if (disk === undefined) throw new BuildError("which disk? npm run appliance -- --box makes one");
  process.exitCode = await pack(disk, values.validate === true);
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`packer: ${error.message}`);
  process.exitCode = 1;
}
