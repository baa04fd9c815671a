// SPDX-License-Identifier: BSD-3-Clause
import { existsSync } from "node:fs";
import { spawnSync, which } from "bun";

/** The Debian package of each peer; its service must not start beside the benchmark. */
const PACKAGES: Readonly<Record<string, string>> = { softflowd: "softflowd", nfpcapd: "nfdump" };

const run = (command: readonly string[]): void => {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { exitCode, stderr } = spawnSync([...command], { env, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
};

/**
 * Sees to it that the peers are there, through apt-get when we are root.
 *
 * @throws when one is missing and cannot be installed; the message says what to install
 */
export const installPeers = (peers: readonly string[]): void => {
  const missing = peers
    .filter((peer) => which(peer) === null)
    .map((peer) => PACKAGES[peer] ?? peer);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || which("apt-get") === null) {
    throw new Error(
      `missing ${missing.join(", ")}: run "apt-get install ${missing.join(" ")}" as root, ` +
        "or choose with --peers (--peers none measures ours alone)",
    );
  }
  console.error(`Installing ${missing.join(", ")}`);
  run(["apt-get", "update"]);
  run(["apt-get", "install", "-y", "--no-install-recommends", ...missing]);
  // Debian starts what it installs; a collector that nobody asked for would listen on all addresses.
  if (existsSync("/run/systemd/system")) run(["systemctl", "disable", "--now", ...missing]);
};
