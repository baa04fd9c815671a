// SPDX-License-Identifier: BSD-3-Clause

/** Lines of tmpfiles.d that let a public key in as root, for the credential `tmpfiles.extra`. */
export const authorizedKey = (key: string): string =>
  [
    "d /root/.ssh 0700 root root -",
    `f /root/.ssh/authorized_keys 0600 root root - ${key.trim().replaceAll(" ", "\\x20")}\\n`,
    "",
  ].join("\n");
