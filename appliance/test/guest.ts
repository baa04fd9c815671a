// SPDX-License-Identifier: BSD-3-Clause
/** A shell in the machine, by a key that only this test knows. @module */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";
import { authorizedKey } from "../ssh-key.ts";

export class Guest {
  readonly #key: string;
  readonly #port: number;

  constructor(folder: string, port: number) {
    this.#key = join(folder, "id");
    this.#port = port;
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", this.#key]);
  }

  /** What tmpfiles.d has to do for the key to open the door. */
  get tmpfiles(): string {
    return authorizedKey(readFileSync(`${this.#key}.pub`, "utf8"));
  }

  /** Run a command; undefined when it cannot be reached. */
  try(command: string): string | undefined {
    const { exitCode, stdout } = Bun.spawnSync(
      [
        ...["ssh", "-i", this.#key, "-p", String(this.#port), "-o", "BatchMode=yes"],
        ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
        ...["-o", "ConnectTimeout=20", "-o", "LogLevel=ERROR", "root@127.0.0.1", command],
      ],
      { stdin: "ignore", stderr: "ignore" },
    );
    return exitCode === 255 ? undefined : stdout.toString();
  }

  /** Run a command, and give what it prints. */
  do(command: string): string {
    const said = this.try(command);
    if (said === undefined) throw new Error(`no way into the machine for: ${command}`);
    return said;
  }
}
