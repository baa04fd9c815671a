// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { NemeanError } from "../errors.ts";
import { loadLibssl } from "./libssl.ts";
import { TlsAuthority, tlsMissing } from "./testing/tls-authority.ts";
import { connectedPair, Pump, turnUntil } from "./testing/tls-pump.ts";
import { TlsContext, type TlsFiles } from "./tls.ts";

const skip = tlsMissing !== "";
const authority = skip ? undefined : new TlsAuthority();
const stranger = skip ? undefined : new TlsAuthority();
const good = authority?.issue("good") as TlsFiles;
const other = authority?.issue("other") as TlsFiles;

afterAll(() => {
  authority?.[Symbol.dispose]();
  stranger?.[Symbol.dispose]();
});

/** What opening a context with these files fails with. */
function failureOf(files: TlsFiles): string {
  const texts = new Set<string>();
  for (const open of [TlsContext.server, TlsContext.client]) {
    try {
      open(files).close();
      texts.add("opened");
    } catch (error) {
      if (!(error instanceof NemeanError)) throw error;
      texts.add(`${error.code} ${error.exitCode} ${error.message}`);
    }
  }
  return [...texts].join("\n");
}

/** How the two ends fare when each has a word to say. */
function meet(server: TlsFiles, client: TlsFiles): { server: Pump; client: Pump } {
  const { accepted, connected } = connectedPair();
  const contexts = [TlsContext.server(server), TlsContext.client(client)] as const;
  const pumps = {
    server: new Pump(contexts[0].wrap(accepted), "hello of the server"),
    client: new Pump(contexts[1].wrap(connected), "hello of the client"),
  };
  // The connections outlive what they were made of.
  for (const context of contexts) context.close();
  const both = [pumps.server, pumps.client];
  const isDone = (pump: Pump) => pump.end !== undefined || pump.text.startsWith("hello");
  turnUntil(both, () => {
    // An end that gives up closes, which the other then sees.
    for (const pump of both) if (pump.end) pump.stream.close();
    return both.every(isDone);
  });
  for (const pump of both) pump.stream.close();
  return pumps;
}

describe.skipIf(skip)(`TlsContext${tlsMissing}`, () => {
  test("TlsContext connects two ends whose certificates are of one CA", () => {
    const { server, client } = meet(good, other);
    expect([server.text, client.text]).toEqual(["hello of the client", "hello of the server"]);
    expect([server.stream.failure, client.stream.failure]).toEqual([undefined, undefined]);
  });

  test("TlsContext takes a certificate that brings its chain", () => {
    using middle = new TlsAuthority();
    const extension = middle.write("ca.ext", "basicConstraints = critical, CA:TRUE\n");
    const request = ["-new", "-key", "ca.key", "-subj", "/CN=middle", "-out", "middle.csr"];
    middle.openssl("req", ...request);
    const root = authority as TlsAuthority;
    const by = ["-CA", root.ca, "-CAkey", root.path("ca.key"), "-set_serial", "77"];
    const signed = ["-in", "middle.csr", "-extfile", extension, "-out", "ca.pem", "-days", "3"];
    middle.openssl("x509", "-req", ...by, ...signed);
    const leaf = middle.issue("leaf");
    const bare = { ...leaf, ca: root.ca };
    expect(meet(good, bare).server.stream.failure).toContain("unable to get local issuer");
    const [own, signer] = [leaf.cert, middle.ca].map((path) => readFileSync(path, "utf8"));
    const { server } = meet(good, { ...bare, cert: middle.write("chain.pem", `${own}${signer}`) });
    expect(server.text).toBe("hello of the client");
  });

  test("TlsContext refuses a certificate of another CA, and says so at both ends", () => {
    const theirs = stranger!.issue("theirs");
    const pretender = { ...theirs, ca: good.ca };
    const { server, client } = meet(good, pretender);
    expect(server.stream.failure).toStartWith("TLS handshake: certificate verify failed: ");
    expect(client.stream.failure).toContain(" alert ");
    expect(server.text).toBe("");
    const turned = meet(pretender, good);
    expect(turned.client.stream.failure).toStartWith("TLS handshake: certificate verify failed: ");
    expect(turned.server.stream.failure).toContain(" alert ");
    expect(turned.client.text + turned.server.text).toBe("");
  });

  test("TlsContext refuses a certificate whose time is over", () => {
    const expired = authority!.issueExpired("expired");
    const { server, client } = meet(good, expired);
    expect(server.stream.failure).toBe(
      "TLS handshake: certificate verify failed: certificate has expired",
    );
    expect(client.stream.failure).toMatch(/alert certificate expired/);
    expect(meet(expired, good).client.stream.failure).toContain("certificate has expired");
  });

  test("TlsContext names the file that is missing or none", () => {
    const none = authority!.path("none.pem");
    for (const [role, what] of Object.entries({
      key: "key",
      cert: "certificate",
      ca: "CA certificates",
    })) {
      expect(failureOf({ ...good, [role]: none })).toStartWith(
        `ERR_TRAP 78 ${none}: cannot read the TLS ${what}: ENOENT`,
      );
      expect(failureOf({ ...good, [role]: authority!.folder })).toBe(
        `ERR_TRAP 78 ${authority!.folder}: cannot read the TLS ${what}: it is no regular file`,
      );
    }
  });

  test("TlsContext names the file that holds something else", () => {
    const junk = authority!.write("junk.pem", "junk\n");
    expect(failureOf({ ...good, cert: junk })).toBe(
      `ERR_TRAP 78 ${junk}: not the TLS certificate: no start line; expected a PEM file without a password`,
    );
    expect(failureOf({ ...good, key: junk })).toStartWith(
      `ERR_TRAP 78 ${junk}: not the TLS key of ${good.cert}: `,
    );
    expect(failureOf({ ...good, ca: junk })).toStartWith(
      `ERR_TRAP 78 ${junk}: not the TLS CA certificates: `,
    );
  });

  test("TlsContext refuses the key of another certificate", () => {
    expect(failureOf({ ...good, key: other.key })).toBe(
      `ERR_TRAP 78 ${other.key}: not the TLS key of ${good.cert}: key values mismatch; expected a PEM file without a password`,
    );
  });

  test("TlsContext does not ask for the password of a key", () => {
    const key = authority!.path("secret.key");
    authority!.openssl("ec", "-in", good.key, "-aes128", "-passout", "pass:abc", "-out", key);
    const failure = failureOf({ ...good, key });
    expect(failure).toContain("expected a PEM file without a password");
    // What OpenSSL says when it has asked, at a terminal or not, and got none.
    expect(failure).not.toContain("processing error");
  });

  test("TlsContext that is closed wraps nothing more", () => {
    const context = TlsContext.client(good);
    context.close();
    context.close();
    expect(() => context.wrap(0)).toThrow("closed");
  });
});

test("loadLibssl says what to install where OpenSSL is missing", () => {
  expect(() => loadLibssl([["libssl.so.none", "libcrypto.so.none"]])).toThrow(
    expect.objectContaining({
      code: "ERR_LIBRARY",
      exitCode: 71,
      message: expect.stringMatching(/libssl\.so\.none.*apt-get install libssl3/s),
    }),
  );
});
