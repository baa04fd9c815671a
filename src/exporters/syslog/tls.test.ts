// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Sink } from "../../core/exporter.ts";
import { TlsAuthority, tlsMissing } from "../../core/net/testing/tls-authority.ts";
import { numberedAlerts } from "../../core/testing/alerts.ts";
import syslog from "./index.ts";
import { PARAMS, PLACE } from "./testing/params.ts";
import { OpensslServer, Recorder, serverFiles, Wiretap } from "./testing/peers.ts";
import { tlsFailure } from "./tls.ts";

const skip = tlsMissing !== "";
const NAMES = ["DNS:logs.example", "IP:127.0.0.1"];
let authority: TlsAuthority;
beforeAll(() => {
  if (!skip) authority = new TlsAuthority();
});
afterAll(() => {
  if (!skip) authority[Symbol.dispose]();
});

const sinkTo = (port: number, fields: Partial<Parameters<typeof syslog.open>[0]> = {}): Sink =>
  syslog.open(
    { ...PARAMS, transport: "tls", port, ca: authority.ca, serverName: "logs.example", ...fields },
    PLACE,
  );

/** Send through a tap: what came of it, and every byte that left. */
async function tapped(
  port: number,
  fields: Partial<Parameters<typeof syslog.open>[0]> = {},
): Promise<{ result: Awaited<ReturnType<Sink["send"]>>; bytes: Buffer }> {
  await using tap = await Wiretap.start(port);
  const sink = sinkTo(tap.port, fields);
  const result = await sink.send(numberedAlerts(3));
  await sink.close();
  await Bun.sleep(20);
  return { result, bytes: tap.bytes };
}

/** Nothing but TLS, and no word of an alert. */
function expectNoPlain(bytes: Buffer): void {
  expect(bytes.length).toBeGreaterThan(0);
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    expect(bytes[at]).toBeWithin(20, 24);
    expect(bytes[at + 1]).toBe(3);
  }
  expect(bytes.includes("ALERT")).toBe(false);
  expect(bytes.includes("haddrscan")).toBe(false);
}

describe.skipIf(skip)(`syslog over TLS${tlsMissing}`, () => {
  test("sends to a server whose certificate is of ca and of the name", async () => {
    await using server = await Recorder.start(serverFiles(authority.issueFor("good", NAMES)));
    const { result, bytes } = await tapped(server.port);
    expect(result).toEqual({ accepted: 3 });
    expectNoPlain(bytes);
    expect(await server.received(3)).toHaveLength(3);
  });

  test("looks for the host's address in the certificate when there is no name", async () => {
    await using server = await Recorder.start(serverFiles(authority.issueFor("good", NAMES)));
    expect((await tapped(server.port, { serverName: "" })).result).toEqual({ accepted: 3 });
    const named = authority.issueFor("named", ["DNS:logs.example"]);
    await using other = await Recorder.start(serverFiles(named));
    const { result } = await tapped(other.port, { serverName: "" });
    expect(result.failure).toStartWith("the server's certificate is of another name");
  });

  const BAD = [
    [
      "another name",
      () => authority.issueFor("other", ["DNS:logs.example.org", "DNS:example"]),
      "the server's certificate is of another name",
    ],
    [
      "a day in 2001",
      () => authority.issueExpired("logs.example"),
      "the server's certificate has expired",
    ],
    [
      "nobody else's authority",
      () => authority.issueSelfSigned("own", NAMES),
      "the server's certificate is self-signed",
    ],
  ] as const;

  test.each(BAD)("sends nothing to a server with a certificate of %s", async (_, files, why) => {
    await using server = await Recorder.start(serverFiles(files()));
    const { result, bytes } = await tapped(server.port);
    expect(result.accepted).toBe(0);
    expect(result.refused).toBeUndefined();
    expect(result.failure).toStartWith(why);
    expectNoPlain(bytes);
    expect(server.bytes).toHaveLength(0);
  });

  test("sends nothing to a server of another authority, nor of one that only the system trusts", async () => {
    using stranger = new TlsAuthority();
    await using server = await Recorder.start(serverFiles(stranger.issueFor("good", NAMES)));
    for (const ca of [authority.ca, ""]) {
      const { result, bytes } = await tapped(server.port, { ca });
      expect(result.accepted).toBe(0);
      expect(result.failure).toStartWith("the server's certificate is not signed by one of ca");
      expectNoPlain(bytes);
    }
    expect(server.bytes).toHaveLength(0);
  });

  test.each(["-tls1", "-tls1_1"])(
    "sends nothing to a server that speaks %s at best",
    async (version) => {
      const weakest = [version, "-cipher", "ALL:@SECLEVEL=0"];
      await using server = await OpensslServer.start(authority.issueFor("good", NAMES), ...weakest);
      const { result, bytes } = await tapped(server.port);
      expect(result.accepted).toBe(0);
      expect(result.failure).toStartWith("the server speaks no TLS 1.2 or newer");
      expectNoPlain(bytes);
      expect(await server.printed()).not.toContain("ALERT");
    },
  );

  test("speaks TLS 1.2 with a server that knows nothing newer", async () => {
    const files = authority.issueFor("good", NAMES);
    await using server = await OpensslServer.start(files, "-tls1_2");
    expect((await tapped(server.port)).result).toEqual({ accepted: 3 });
    expect((await server.printed()).split("nemean - ALERT")).toHaveLength(4);
  });

  test("sends nothing to a server without TLS", async () => {
    await using server = await Recorder.start();
    server.reads = true;
    const sink = sinkTo(server.port, { timeout: 1 });
    const { accepted, failure } = await sink.send(numberedAlerts(1));
    await sink.close();
    expect({ accepted, failure }).toEqual({ accepted: 0, failure: "no connection in 1 s" });
    expectNoPlain(server.bytes);
  });

  test("checks certificates whatever the environment says", async () => {
    await using server = await Recorder.start(serverFiles(authority.issueSelfSigned("own", NAMES)));
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    try {
      expect((await tapped(server.port)).result.accepted).toBe(0);
    } finally {
      delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    }
    expect(server.bytes).toHaveLength(0);
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)(
    "shows its certificate to a server that asks, and knows when it is refused, over %s",
    async (maxVersion) => {
      const { key, cert } = authority.issue("client");
      const wanting = {
        requestCert: true,
        rejectUnauthorized: true,
        ca: [await Bun.file(authority.ca).text()],
      };
      const files = serverFiles(authority.issueFor("good", NAMES));
      await using server = await Recorder.start({ ...files, ...wanting, maxVersion });
      expect((await tapped(server.port, { key, cert })).result).toEqual({ accepted: 3 });
      expect(await server.received(3)).toHaveLength(3);
      const { accepted, failure } = (await tapped(server.port)).result;
      expect(accepted).toBe(0);
      expect(failure).toBeString();
      expect(server.messages).toHaveLength(3);
    },
  );

  test("reads certificates for each connection, and fails while they are missing", async () => {
    const ca = authority.write("later.pem", await Bun.file(authority.ca).text());
    await using server = await Recorder.start(serverFiles(authority.issueFor("good", NAMES)));
    const sink = sinkTo(server.port, { ca });
    await Bun.file(ca).delete();
    const { accepted, failure } = await sink.send(numberedAlerts(1));
    expect(accepted).toBe(0);
    expect(failure).toContain(`ENOENT`);
    authority.write("later.pem", await Bun.file(authority.ca).text());
    expect(await sink.send(numberedAlerts(1))).toEqual({ accepted: 1 });
    await sink.close();
  });
});

describe.skipIf(skip)(`syslog's files for TLS${tlsMissing}`, () => {
  test("open names the file that is missing or wrong", () => {
    const { key, cert } = authority.issue("mine");
    const other = authority.issue("theirs");
    const text = authority.write("text.pem", "no certificate");
    const broken = authority.write(
      "broken.pem",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    const cases: readonly (readonly [Partial<typeof PARAMS>, string])[] = [
      [{ ca: "/nowhere/ca.pem" }, "ca: ENOENT"],
      [{ ca: text }, `ca: ${text}: no certificate`],
      [{ ca: broken }, `ca: ${broken}: `],
      [{ key }, "cert: key and cert go together"],
      [{ cert }, "key: key and cert go together"],
      [{ key, cert: other.cert }, `key, cert: ${key}, ${other.cert}: `],
      [{ key: text, cert }, `key, cert: ${text}, ${cert}: `],
    ];
    for (const [fields, message] of cases)
      expect(() => sinkTo(1, fields as Parameters<typeof sinkTo>[1])).toThrow(message);
  });
});

test("tlsFailure keeps the text of what it does not know", () => {
  expect(tlsFailure(new Error("connect ECONNREFUSED"))).toBe("connect ECONNREFUSED");
  expect(tlsFailure("odd")).toBe("odd");
});
