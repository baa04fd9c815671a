// SPDX-License-Identifier: BSD-3-Clause
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { libssl } from "../libssl.ts";
import type { TlsFiles } from "../tls.ts";

/** Why TLS cannot be tested here, in parentheses for a test's name; empty when it can. */
export const tlsMissing: string = (() => {
  if (!Bun.which("openssl")) return " (skipped: no openssl program)";
  try {
    libssl();
    return "";
  } catch {
    return " (skipped: no libssl)";
  }
})();

/** For `openssl ca`, which alone takes a date in the past in every version. */
const CA_CONFIG = `
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
`;

/** Certificates made by the openssl program, in a folder of its own that goes with it. */
export class TlsAuthority implements Disposable {
  // OpenSSL is given the name as bytes: one that is not of ASCII alone shows that they are UTF-8.
  readonly folder = mkdtempSync(join(tmpdir(), "nemean-tls-ü-"));
  /** Its own certificate. */
  readonly ca: string;
  readonly #key: string;

  constructor() {
    this.ca = this.path("ca.pem");
    this.#key = this.path("ca.key");
    this.openssl(...REQUEST, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A file with any text. */
  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** Run the openssl program in the folder. */
  openssl(...words: string[]): void {
    const { exitCode, stderr } = Bun.spawnSync(["openssl", ...words], { cwd: this.folder });
    if (exitCode !== 0) throw new Error(`openssl ${words.join(" ")}: ${stderr}`);
  }

  /** A key and a certificate of this authority, valid for days from now on. */
  issue(name: string): TlsFiles {
    const { key, cert } = this.#request(name);
    const by = ["-CA", this.ca, "-CAkey", this.#key, "-CAcreateserial"];
    this.openssl("x509", "-req", "-in", `${name}.csr`, ...by, "-out", cert, "-days", "3");
    return { key, cert, ca: this.ca };
  }

  /** As {@link issue}, for names as `DNS:logs.example` and `IP:127.0.0.1`. */
  issueFor(name: string, names: readonly string[]): TlsFiles {
    const { key, cert } = this.#request(name);
    const by = ["-CA", this.ca, "-CAkey", this.#key, "-CAcreateserial"];
    const extensions = this.write(`${name}.ext`, `subjectAltName=${names.join(",")}\n`);
    const about = ["-in", `${name}.csr`, "-out", cert, "-days", "3", "-extfile", extensions];
    this.openssl("x509", "-req", ...by, ...about);
    return { key, cert, ca: this.ca };
  }

  /** A key and a certificate that nobody else signed. */
  issueSelfSigned(name: string, names: readonly string[]): TlsFiles {
    const [key, cert] = [this.path(`${name}.key`), this.path(`${name}.pem`)];
    const about = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${names.join(",")}`];
    this.openssl(...REQUEST, "-x509", "-keyout", key, "-out", cert, ...about);
    return { key, cert, ca: cert };
  }

  /** A key and a certificate that was valid for a day of the year 2001. */
  issueExpired(name: string): TlsFiles {
    const { key, cert } = this.#request(name);
    this.write("ca.cnf", CA_CONFIG);
    this.write("index.txt", "");
    const when = ["-startdate", "20010101000000Z", "-enddate", "20010102000000Z"];
    const by = ["-cert", this.ca, "-keyfile", this.#key];
    const about = ["-in", `${name}.csr`, "-out", cert, "-notext", "-batch"];
    this.openssl("ca", "-config", "ca.cnf", ...when, ...by, ...about);
    return { key, cert, ca: this.ca };
  }

  #request(name: string): { key: string; cert: string } {
    const key = this.path(`${name}.key`);
    this.openssl(...REQUEST, "-keyout", key, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    return { key, cert: this.path(`${name}.pem`) };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true });
  }
}

const REQUEST = "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(" ");
