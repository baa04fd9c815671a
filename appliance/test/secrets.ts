// SPDX-License-Identifier: BSD-3-Clause
/** What no image may bring along, since every machine of it would have it: looked for on the disk, unbooted. @module */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "../command.ts";
import { offsetOf } from "../disk.ts";
import type { Report } from "./report.ts";

/** A private key with its content: programs hold the words alone. */
const KEY = "-----BEGIN [A-Z ]*PRIVATE KEY-----\\s+[A-Za-z0-9+/]{60}";
/** What is made at the first boot. */
const MADE_LATER = [
  ["root", "/etc/ssh", /ssh_host_/],
  ["root", "/root/.ssh", /^[^.]/],
  ["var", "/lib", /^nemean$/],
  ["var", "/lib/systemd", /random-seed|credential\.secret/],
  ["var", "/lib/dbus", /machine-id/],
] as const;

export function checkSecrets(report: Report, image: string, folder: string): void {
  const disk = join(folder, "whole.raw");
  run(["qemu-img", "convert", "-O", "raw", image, disk]);
  const ask = (part: "root" | "var", request: string): string =>
    run(["debugfs", "-R", request, `${disk}?offset=${offsetOf(part)}`]);
  /** Names in a folder, of lines as `/247/040755/0/0/name/size/`. */
  const names = (part: "root" | "var", path: string): string[] =>
    ask(part, `ls -p ${path}`)
      .split("\n")
      .flatMap((line) => line.split("/")[5] ?? []);
  for (const [part, path, made] of MADE_LATER) {
    const found = names(part, path).filter((name) => made.test(name));
    report.check(
      `the image has none of ${made.source} in ${part === "var" ? "/var" : ""}${path}`,
      names(part, path).includes(".") && found.length === 0,
      found.join(" "),
    );
  }
  report.check("the image has no machine id", ask("root", "cat /etc/machine-id") === "");
  const shadow = ask("root", "cat /etc/shadow").trim().split("\n");
  report.check(
    "no account of the image has a password",
    shadow.length > 1 && shadow.every((line) => /^[^:]+:[*!]/.test(line)),
  );
  // grep ends with 1 where nothing is found.
  const { stdout } = Bun.spawnSync(["nice", "grep", "-acP", "--", KEY, disk]);
  report.check("no private key is anywhere on the disk", stdout.toString().trim() === "0");
  rmSync(disk);
}
