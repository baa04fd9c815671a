// SPDX-License-Identifier: BSD-3-Clause
/** What the box for Vagrant has and the image has not: a user whom Vagrant's own key lets in, and sudo. @module */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";

export const BOX_PACKAGES = ["sudo"];

/** Put the user in; `key` is the public key that Vagrant brings, which it replaces when it first gets in. */
export function addVagrantUser(root: string, key: string): void {
  run(["chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", "vagrant"]);
  const files: readonly (readonly [string, number, string])[] = [
    ["home/vagrant/.ssh/authorized_keys", 0o600, key],
    ["etc/sudoers.d/vagrant", 0o440, "vagrant ALL=(ALL) NOPASSWD: ALL\n"],
    [
      "usr/lib/systemd/system/ssh.service.d/30-box.conf",
      0o644,
      "[Unit]\nConditionPathExists=|/home/vagrant/.ssh/authorized_keys\n",
    ],
  ];
  for (const [path, mode, text] of files) {
    mkdirSync(join(root, path, ".."), { recursive: true, mode: mode === 0o600 ? 0o700 : 0o755 });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  }
  run(["chroot", root, "chown", "-R", "vagrant:vagrant", "/home/vagrant/.ssh"]);
}
