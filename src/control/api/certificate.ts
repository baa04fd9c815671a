// SPDX-License-Identifier: BSD-3-Clause
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";

const DAYS = "3650";
const NAME = /^[a-z\d.:-]+$/i;
const ADDRESS = /^[0-9.]+$|:/;

/**
 * Key and certificate of the API in a folder: `key.pem` and `cert.pem`. Where there are none, a certificate is made
 * that signs itself for these names, by the openssl program; put others in their place to replace it.
 * @param now milliseconds since 1970
 * @throws {NemeanError} when there is one file and not the other, or none and no openssl; for files that are no key or no
 *   certificate or do not belong together, an expired certificate, and a key that others can read
 */
export function certificateIn(
  folder: string,
  names: readonly string[],
  now = Date.now(),
): { key: string; cert: string } {
  const key = join(folder, "key.pem");
  const cert = join(folder, "cert.pem");
  try {
    if (!existsSync(key) && !existsSync(cert)) make(folder, names);
    const pair = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
    check({ key, cert }, pair, now);
    return pair;
  } catch (error) {
    if (error instanceof NemeanError) throw error;
    throw failure(folder, messageOf(error));
  }
}

interface Pair {
  readonly key: string;
  readonly cert: string;
}

const ANEW = "put another in its place, or remove both files to have one made at the next start";

/** Say what is wrong with the files here, not a client's library or the server's later. */
function check(paths: Pair, pem: Pair, now: number): void {
  if ((statSync(paths.key).mode & 0o007) !== 0)
    throw wrong(paths.key, `others can use this key: chmod o= ${paths.key}`);
  const key = keyOf(pem.key);
  if (!key) throw wrong(paths.key, `no private key in PEM without a passphrase; ${ANEW}`);
  const certificate = certificateOf(pem.cert);
  if (!certificate) throw wrong(paths.cert, `no certificate in PEM; ${ANEW}`);
  if (!certificate.checkPrivateKey(key))
    throw wrong(paths.key, `not the key of ${paths.cert}; put the one there that belongs to it`);
  // One that is not valid yet is served: at boot the clock may be behind, and that mends itself.
  if (now > Date.parse(certificate.validTo))
    throw wrong(paths.cert, `expired at ${certificate.validTo}; ${ANEW}`);
}

function keyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

const wrong = (path: string, why: string): NemeanError =>
  new NemeanError("ERR_CONFIG", EXIT.config, `api.tls: ${path}: ${why}`);

function make(folder: string, names: readonly string[]): void {
  const bad = names.find((name) => !NAME.test(name));
  if (bad !== undefined)
    throw new NemeanError(
      "ERR_CONFIG",
      EXIT.config,
      `api.names: ${JSON.stringify(bad)} is neither a host name nor an address`,
    );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const alternatives = names.map((name) => `${ADDRESS.test(name) ? "IP" : "DNS"}:${name}`);
  const request = "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(" ");
  const about = ["-days", DAYS, "-subj", "/CN=nemean", "-addext", `subjectAltName=${alternatives}`];
  const files = ["-keyout", "key.pem.new", "-out", "cert.pem.new"];
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
    // After a power cut both are there in full, or none is: an empty file would stop each start from then on.
    for (const name of ["cert.pem", "key.pem"]) sync(join(folder, `${name}.new`));
    for (const name of ["cert.pem", "key.pem"])
      renameSync(join(folder, `${name}.new`), join(folder, name));
    sync(folder);
  } finally {
    process.umask(before);
  }
}

/** Have a file, or the names in a folder, written to the disk. */
function sync(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const failure = (folder: string, why: string): NemeanError =>
  new NemeanError(
    "ERR_CONFIG",
    EXIT.config,
    `api.tls: no certificate in ${folder}: ${why}; put key.pem and cert.pem there, or install openssl`,
  );
