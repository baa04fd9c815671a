// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";

const DAYS = "3650";
const NAME = /^[a-z\d.:-]+$/i;
const ADDRESS = /^[0-9.]+$|:/;

/**
 * Key and certificate of the API in a folder: `key.pem` and `cert.pem`. Where there are none, a certificate is made
 * that signs itself for these names, by the openssl program; put others in their place to replace it.
 * @throws {NemeanError} when there is one file and not the other, or none and no openssl
 */
export function certificateIn(
  folder: string,
  names: readonly string[],
): { key: string; cert: string } {
  const key = join(folder, "key.pem");
  const cert = join(folder, "cert.pem");
  try {
    if (!existsSync(key) && !existsSync(cert)) make(folder, names);
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } catch (error) {
    if (error instanceof NemeanError) throw error;
    throw failure(folder, messageOf(error));
  }
}

function make(folder: string, names: readonly string[]): void {
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong !== undefined)
    throw new NemeanError(
      "ERR_CONFIG",
      EXIT.config,
      `api.names: ${JSON.stringify(wrong)} is neither a host name nor an address`,
    );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const alternatives = names.map((name) => `${ADDRESS.test(name) ? "IP" : "DNS"}:${name}`);
  const request = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(" ");
  const about = ["-days", DAYS, "-subj", "/CN=nemean", "-addext", `subjectAltName=${alternatives}`];
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  // The key is nobody else's from its first moment on.
  const before = process.umask(0o077);
  try {
    const words = ["openssl", ...request, ...about, ...files];
    const { exitCode, stderr } = Bun.spawnSync(words, {
      cwd: folder,
      stdout: "ignore",
      stderr: "pipe",
    });
    if (exitCode !== 0) throw failure(folder, stderr.toString().trim().split("\n").at(-1) ?? "");
  } finally {
    process.umask(before);
  }
}

const failure = (folder: string, why: string): NemeanError =>
  new NemeanError(
    "ERR_CONFIG",
    EXIT.config,
    `api.tls: no certificate in ${folder}: ${why}; put key.pem and cert.pem there, or install openssl`,
  );
