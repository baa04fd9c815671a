// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NemeanError } from "../../core/errors.ts";
import { certificateIn } from "./certificate.ts";
import { serve } from "./serve.ts";
import { TestApi } from "./testing/fixtures.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-certificate-"));
afterAll(() => rmSync(folder, { recursive: true }));

const NAMES = ["localhost", "127.0.0.1", "::1", "tap.example"];
const YEAR = 366 * 86_400_000;

describe("certificate of the API", () => {
  const at = join(folder, "own");

  test("is made once, for all names, with a key that nobody else reads", () => {
    const { key, cert } = certificateIn(at, NAMES);
    const x509 = new X509Certificate(cert);
    expect(x509.checkHost("tap.example")).toBe("tap.example");
    expect(x509.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(x509.checkIP("::1")).toBeDefined();
    expect(x509.checkHost("other.example")).toBeUndefined();
    expect(statSync(join(at, "key.pem")).mode & 0o777).toBe(0o600);
    expect(statSync(at).mode & 0o777).toBe(0o700);
    expect(certificateIn(at, ["else.example"])).toEqual({ key, cert });
  });

  test("is not made anew over half of one: the message names the missing file", () => {
    const half = join(folder, "half");
    certificateIn(half, NAMES);
    const cert = readFileSync(join(half, "cert.pem"), "utf8");
    rmSync(join(half, "key.pem"));
    expect(() => certificateIn(half, NAMES)).toThrow("key.pem");
    expect(readFileSync(join(half, "cert.pem"), "utf8")).toBe(cert);
  });

  test("refuses a name that no certificate can carry", () => {
    expect(() => certificateIn(join(folder, "bad"), ["a b\n[x]"])).toThrow(NemeanError);
  });
});

let folders = 0;
/** A folder with an operator's own key and certificate, as openssl makes them. */
function ownPair(...options: string[]): { at: string; key: string; cert: string } {
  const at = join(folder, `pair${++folders}`);
  mkdirSync(at);
  const files = ["-keyout", "key.pem", "-out", "cert.pem"];
  const about = [
    "-days",
    "30",
    "-subj",
    "/CN=tap.example",
    "-addext",
    "subjectAltName=DNS:tap.example",
  ];
  const kind = options.length > 0 ? options : ["-newkey", "rsa:2048", "-nodes"];
  const words = ["openssl", "req", "-x509", ...kind, ...about, ...files];
  expect(Bun.spawnSync(words, { cwd: at, stderr: "ignore" }).exitCode).toBe(0);
  return { at, key: join(at, "key.pem"), cert: join(at, "cert.pem") };
}

/** The one message that a pair gives. */
function messageOf(at: string, now?: number): string {
  try {
    certificateIn(at, NAMES, now);
  } catch (error) {
    if (!(error instanceof NemeanError)) throw error;
    expect(error.code).toBe("ERR_CONFIG");
    expect(error.message).not.toContain("\n");
    return error.message;
  }
  throw new Error("it was taken");
}

describe("an operator's own certificate", () => {
  test("is what clients see, and its files stay as they are", async () => {
    const { at, key, cert } = ownPair();
    const before = [key, cert].map((path) => readFileSync(path, "utf8"));
    const tls = certificateIn(at, NAMES);
    expect([tls.key, tls.cert]).toEqual(before);
    using api = new TestApi();
    using served = serve(api.app, { hostname: "127.0.0.1", port: 0, tls });
    const options = { ca: tls.cert, checkServerIdentity: () => undefined };
    expect((await fetch(`${served.url}healthz`, { tls: options })).status).toBe(200);
    expect([key, cert].map((path) => readFileSync(path, "utf8"))).toEqual(before);
  });

  test("may be readable by its group, and not by others", () => {
    const { at, key } = ownPair();
    chmodSync(key, 0o640);
    certificateIn(at, NAMES);
    for (const mode of [0o604, 0o644, 0o602]) {
      chmodSync(key, mode);
      expect(messageOf(at)).toBe(`api.tls: ${key}: others can use this key: chmod o= ${key}`);
    }
  });

  test("is refused with the key of another one", () => {
    const { at, key, cert } = ownPair();
    copyFileSync(ownPair().key, key);
    const message = `api.tls: ${key}: not the key of ${cert}; put the one there that belongs to it`;
    expect(messageOf(at)).toBe(message);
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    copyFileSync(ownPair(...ec).key, key);
    expect(messageOf(at)).toBe(message);
  });

  test("is refused when its time has passed, and not when a clock is behind", () => {
    const { at, cert } = ownPair();
    const late = messageOf(at, Date.now() + YEAR);
    expect(late).toStartWith(`api.tls: ${cert}: expired at `);
    expect(late).toContain("remove both files to have one made");
    certificateIn(at, NAMES, Date.now() - YEAR);
  });

  test("is refused where a file is no PEM, or the key has a passphrase", () => {
    const { at, key, cert } = ownPair();
    const good = readFileSync(cert, "utf8");
    writeFileSync(cert, good.slice(0, 200));
    expect(messageOf(at)).toStartWith(`api.tls: ${cert}: no certificate in PEM; `);
    writeFileSync(cert, good);
    writeFileSync(key, good);
    expect(messageOf(at)).toStartWith(`api.tls: ${key}: no private key in PEM`);
    const locked = ownPair("-newkey", "rsa:2048", "-passout", "pass:secret");
    expect(messageOf(locked.at)).toStartWith(`api.tls: ${locked.key}: no private key in PEM`);
  });
});
