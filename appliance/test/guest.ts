// SPDX-License-Identifier: BSD-3-Clause
/** A shell in the machine, by a key that only this test knows. @module */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";
import { authorizedKey } from "../ssh-key.ts";

/** What ssh ends with when it did not get in. */
const UNREACHED = 255;

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
    const { exitCode, stdout } = Bun.spawnSync(this.#ssh(command), {
      stdin: "ignore",
      stderr: "ignore",
    });
    return exitCode === UNREACHED ? undefined : stdout.toString();
  }

  /** Run a command, and give what it prints. */
  do(command: string): string {
    const said = this.try(command);
    if (said === undefined) throw new Error(`no way into the machine for: ${command}`);
    return said;
  }

  /** The same, while something else goes on here: once a second `meanwhile` is called. */
  async during(command: string, meanwhile: () => Promise<unknown>): Promise<string> {
    const child = Bun.spawn(this.#ssh(command), { stdin: "ignore", stderr: "ignore" });
    const said = child.stdout.text();
    while (child.exitCode === null) {
      await meanwhile();
      await Promise.race([child.exited, Bun.sleep(1000)]);
    }
    return said;
  }

  #ssh(command: string): string[] {
    return [
      ...["ssh", "-i", this.#key, "-p", String(this.#port), "-o", "BatchMode=yes"],
      ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
      ...["-o", "ConnectTimeout=20", "-o", "LogLevel=ERROR", "root@127.0.0.1", command],
    ];
  }
}
