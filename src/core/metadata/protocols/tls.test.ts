// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCapture } from "../../capture-file/reader.ts";
import { CaptureWriter } from "../../capture-file/testing/writer.ts";
import { type Bytes, zeros } from "../../packet/test-kit.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../testing/shared.ts";
import { malformedIn, protocolRows, protocolText, testProtocol } from "../testing/protocol-kit.ts";
import {
  CLIENT,
  CLIENT_HELLO,
  certificate,
  clientHello,
  connection,
  extension,
  inSegments,
  name,
  SERVER_HELLO,
  type Segment,
  text,
  words,
} from "../tls/test-kit.ts";
import tls from "./tls.ts";

const absent = !hasShared("corpus/pcap");
const why = absent ? ` (${NO_SHARED})` : "";
const captureOf = (path: string): string => sharedPath(`corpus/pcap/${path}.pcap`);

/** Captures with hellos of SSL 3.0 and later. */
function helloCaptures(): string[] {
  const ours = absent ? [] : readdirSync(sharedPath("corpus/pcap/flowtest"));
  const names = ours.filter((file) => /^tls.*\.pcap$/.test(file));
  return ["ipfixprobe/tls", ...names.map((file) => `flowtest/${file.slice(0, -5)}`)];
}

testProtocol(tls, {
  capture: "tls.pcap",
  deviations: {
    rows: 13,
    why: `packets of 2015 and 2020 are in the capture twice, with a jump of years to and fro between the copies: the
      meter ends idle flows at the jump and gives two flows of half the packets; ipfixprobe looks at a few places of
      its table a packet for idle flows, and does not get to them in a capture this short`,
  },
});

/** A capture's packets from the earliest to the latest. */
function inTimeOrder(path: string): Uint8Array {
  const packets: { time: number; bytes: Uint8Array }[] = [];
  readCapture(path, ({ bytes, start, captured, time, count }) => {
    for (let i = 0; i < count; i++) {
      const from = start[i]!;
      packets.push({ time: time[i]!, bytes: bytes.slice(from, from + captured[i]!) });
    }
  });
  const writer = new CaptureWriter();
  for (const { time, bytes } of packets.toSorted((a, b) => a.time - b.time))
    writer.append(time, bytes);
  return writer.bytes();
}

test.skipIf(absent)(`tls equals ipfixprobe in every row once time runs forward${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "nemean-tls-"));
  try {
    const path = join(folder, "ordered.pcap");
    writeFileSync(path, inTimeOrder(captureOf("ipfixprobe/tls")));
    const golden = readFileSync(sharedPath("corpus/pcap/ipfixprobe/golden/tls"), "utf8");
    const expected = golden.trimEnd().split("\n");
    const header = expected.find((line) => line.startsWith("ipaddr "))!;
    expect(protocolText(tls, path, header).toSorted()).toEqual(expected);
    expect(expected.length).toBe(29);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const rowOf = (segments: readonly Segment[], compat = false): Record<string, unknown> => {
  const rows = protocolRows(tls, connection(segments), { compat });
  expect(rows.length).toBe(1);
  return rows[0]!;
};

test("tls tells the client's offer and the server's choice in one biflow", () => {
  const row = rowOf([{ payload: CLIENT_HELLO }, { payload: SERVER_HELLO, fromServer: true }]);
  expect(row).toMatchObject({
    SRC_IP: CLIENT,
    PACKETS: 1,
    PACKETS_REV: 1,
    TLS_SNI: "www.example.org",
    TLS_ALPN: "h2",
    TLS_VERSION: 0x0304,
  });
  expect([...(row["TLS_EXT_TYPE"] as number[])]).toEqual([0x2a2a, 0, 10, 11, 13, 16, 43]);
  expect([...(row["TLS_EXT_LEN"] as number[])]).toEqual([0, 20, 8, 2, 6, 5, 5]);
});

test("tls says the version of the client's hello as long as no server answered", () => {
  expect(rowOf([{ payload: CLIENT_HELLO }])).toMatchObject({ TLS_VERSION: 0x0303, TLS_ALPN: "" });
});

test("tls counts GREASE among JA4's extensions in compat mode only", () => {
  expect(rowOf([{ payload: CLIENT_HELLO }])["TLS_JA4"]).toStartWith("t13d0206h2_");
  expect(rowOf([{ payload: CLIENT_HELLO }], true)["TLS_JA4"]).toStartWith("t13d0207h2_");
});

test("tls puts a hello of three segments together, in whichever order they come", () => {
  const parts = inSegments(CLIENT_HELLO, [7, 90]);
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [0, 0, 2, 2, 1],
  ])
    expect(rowOf(order.map((i) => parts[i]!))["TLS_SNI"]).toBe("www.example.org");
});

test("tls reads a hello that fills its bound, and none that is longer", () => {
  const padded = (size: number): Segment[] => {
    const hello = clientHello([name("long.example"), extension(21, zeros(size))]);
    const segments: Segment[] = [];
    for (let at = 0; at < hello.length; at += 1400)
      segments.push({ payload: hello.slice(at, at + 1400), sequence: 1000 + at });
    return segments;
  };
  const overhead = clientHello([name("long.example"), extension(21, [])]).length;
  expect(rowOf(padded(16_384 - overhead))["TLS_SNI"]).toBe("long.example");
  expect(rowOf(padded(16_385 - overhead))["TLS_SNI"]).toBe("");
});

test("tls leaves flows alone that begin otherwise", () => {
  const row = rowOf([{ payload: text("GET / HTTP/1.1\r\n") }, { payload: CLIENT_HELLO }]);
  expect(row).toMatchObject({ TLS_SNI: "", TLS_VERSION: 0, TLS_JA4: "" });
});

test("tls takes nothing from a hello whose extensions are longer than it", () => {
  const hello = [...CLIENT_HELLO];
  const list = 5 + 4 + 2 + 32 + 1 + 2 + 6 + 2;
  expect((hello[list]! << 8) | hello[list + 1]!).toBe(hello.length - list - 2);
  hello[list + 1]!++;
  expect(rowOf([{ payload: hello }])).toMatchObject({ TLS_SNI: "", TLS_JA4: "" });
});

const flaws = (...payloads: Bytes[]): number =>
  malformedIn(tls, connection(payloads.map((payload, i) => ({ payload, fromServer: i > 0 }))));

test("tls counts a broken hello as malformed, once", () => {
  const broken = CLIENT_HELLO.with(5 + 4 + 2 + 32 + 1 + 2 + 6 + 2 + 1, 255);
  expect(flaws(broken)).toBe(1);
  expect(flaws(broken, SERVER_HELLO)).toBe(1);
  expect(flaws(CLIENT_HELLO, SERVER_HELLO)).toBe(0);
});

test("tls counts a certificate that is no DER sequence of its size as malformed", () => {
  const sound = certificate(0x30, 2, 5, 0);
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...sound])).toBe(0);
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...certificate(0x85, 2, 5, 0)])).toBe(1);
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...certificate(0x30, 3, 5, 0)])).toBe(1);
  const long = certificate(0x30, 0x82, 1, 0, ...zeros(256));
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...long])).toBe(0);
  expect(flaws(CLIENT_HELLO, [...SERVER_HELLO, ...long.slice(0, 20)])).toBe(0);
});

test("tls finds a hello of SSL 2.0, outside of compat mode", () => {
  const suites = [7, 0, 0xc0, 5, 0, 0x80];
  const hello = [0x80, 9 + 6 + 4, 1, 0, 2, ...words(6, 0, 4), ...suites, 1, 2, 3, 4];
  const row = rowOf([{ payload: hello }]);
  expect(row).toMatchObject({ TLS_VERSION: 2, TLS_SNI: "" });
  expect(row["TLS_JA3"]).toEqual(
    new Uint8Array(createHash("md5").update("2,458944-327808,,,").digest()),
  );
  expect(protocolRows(tls, connection([{ payload: hello }]), { compat: true })).toEqual([]);
  expect(rowOf([{ payload: [...hello, 0] }])).toMatchObject({ TLS_VERSION: 0 });
});

test.skipIf(absent)(
  `tls counts the malformed certificate of a capture, and no other flaw${why}`,
  () => {
    const flawed = helloCaptures().filter((path) => malformedIn(tls, captureOf(path)) > 0);
    expect(flawed).toEqual(["flowtest/tls_malformed_cert"]);
    // The server sends it five times.
    expect(malformedIn(tls, captureOf(flawed[0]!))).toBe(1);
  },
);

const tshark = Bun.which("tshark");
const missing = tshark ? why : " (skipped: no tshark)";

/** JA3 of each client, by its port. */
function tsharkJa3(capture: string): Record<string, string> {
  const fields = ["-e", "tcp.srcport", "-e", "tls.handshake.ja3"];
  const filter = ["-Y", "tcp && tls.handshake.ja3", "-T", "fields"];
  const { stdout } = Bun.spawnSync([tshark!, "-r", capture, ...filter, ...fields]);
  const lines = stdout.toString().trim().split("\n");
  return Object.fromEntries(lines.filter(Boolean).map((line) => line.split("\t")));
}

test.skipIf(missing !== "").each(helloCaptures().map((path) => [path]))(
  `tls and tshark give the clients of %s the same JA3${missing}`,
  (path) => {
    const rows = protocolRows(tls, captureOf(path)).filter((row) => row["TLS_VERSION"] !== 0);
    const found = rows.map((row) => [
      row["SRC_PORT"],
      Buffer.from(row["TLS_JA3"] as Uint8Array).toString("hex"),
    ]);
    expect(found.length).toBeGreaterThan(0);
    expect(Object.fromEntries(found)).toEqual(tsharkJa3(captureOf(path)));
  },
);
