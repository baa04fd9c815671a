// SPDX-License-Identifier: BSD-3-Clause
/** `nemean meter --ipfix` against collectors of others: nfcapd stores the flows, tshark takes the messages apart. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import { scanCapture } from "../src/control/cli/testing/command-line.ts";
import { Decoder, numberOf } from "../src/core/ipfix/testing/decode.ts";
import { TlsAuthority, tlsMissing } from "../src/core/net/testing/tls-authority.ts";
import { hasShared, NO_SHARED, sharedPath } from "../src/core/testing/shared.ts";

setDefaultTimeout(60_000);

const MAIN = join(import.meta.dir, "../src/main.ts");
const HOST = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "nemean-ipfix-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FLOWS = 60;
const scan = join(folder, "scan.pcap");
writeFileSync(scan, scanCapture(FLOWS));

async function nemean(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([process.execPath, MAIN, ...args], { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

/** What the connections to a server bring, until the last is closed. */
async function taken(server: Server, run: (port: number) => Promise<unknown>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.on(server instanceof TlsServer ? "secureConnection" : "connection", (socket: Socket) => {
    socket.on("data", (chunk) => chunks.push(chunk as Buffer));
    socket.on("close", () => resolve());
  });
  await new Promise<void>((ready) => server.listen(0, HOST, ready));
  await run((server.address() as { port: number }).port);
  await closed;
  server.close();
  return Uint8Array.from(Buffer.concat(chunks));
}

describe("nemean meter --ipfix", () => {
  test("sends each flow once over TCP, with the counters it has as text", async () => {
    const csv = join(folder, "flows.csv");
    const bytes = await taken(createTcpServer(), async (port) => {
      const target = `tcp:${HOST}:${port}`;
      const { code, err } = await nemean("meter", "-r", scan, "--ipfix", target, "--csv", csv);
      expect(code).toBe(0);
      expect(err).toContain(`${FLOWS} flow records exported in 2 messages`);
    });
    const records = new Decoder().stream(bytes).flatMap(({ records }) => records);
    const exported = records.map((record) => [
      numberOf(record["0/7"]),
      numberOf(record["0/11"]),
      numberOf(record["0/1"]),
      numberOf(record["29305/1"]),
      numberOf(record["0/2"]),
      numberOf(record["29305/2"]),
    ]);
    expect(exported.map(String).toSorted()).toEqual(
      columns(csv, ["SRC_PORT", "DST_PORT", "BYTES", "BYTES_REV", "PACKETS", "PACKETS_REV"]),
    );
  });

  test.skipIf(tlsMissing !== "")(
    `sends over TLS, each side with a certificate${tlsMissing}`,
    async () => {
      using authority = new TlsAuthority();
      const own = authority.issue("collector");
      const { key, cert, ca } = authority.issue("exporter");
      const server = createTlsServer({
        key: readFileSync(own.key),
        cert: readFileSync(own.cert),
        ca: readFileSync(ca),
        requestCert: true,
        rejectUnauthorized: true,
      });
      const bytes = await taken(server, async (port) => {
        const target = `tls:${HOST}:${port}:${key}:${cert}:${ca}`;
        expect((await nemean("meter", "-r", scan, "--ipfix", target)).code).toBe(0);
      });
      const messages = new Decoder().stream(bytes);
      expect(messages.reduce((sum, { records }) => sum + records.length, 0)).toBe(FLOWS);
    },
  );

  test("says in one line that there is no collector, and goes on trying", async () => {
    const child = Bun.spawn(
      [process.execPath, MAIN, "meter", "-r", scan, "--ipfix", `tcp:${HOST}:1`],
      { stdout: "ignore", stderr: "pipe" },
    );
    await Bun.sleep(2500);
    expect(child.exitCode).toBeNull();
    child.kill("SIGTERM");
    const err = await new Response(child.stderr).text();
    expect(err.match(/no collector yet: Connection refused/g)).toHaveLength(1);
    expect(err).toContain(`${FLOWS} flow records dropped`);
  });
});

/** Some columns of UniRec text, as sorted lines. */
function columns(path: string, names: readonly string[]): string[] {
  const [header = "", ...rows] = readFileSync(path, "utf8").trimEnd().split("\n");
  const fields = header.split(",").map((field) => field.split(" ")[1]!);
  const places = names.map((name) => fields.indexOf(name));
  return rows.map((row) => places.map((at) => row.split(",")[at]).join(",")).toSorted();
}

const nfcapd = Bun.which("nfcapd");
const tshark = Bun.which("tshark");
const absent = hasShared("corpus/pcap") ? "" : ` (${NO_SHARED})`;
const noNfcapd = nfcapd ? absent : " (skipped: no nfcapd)";
const noTshark = tshark ? absent : " (skipped: no tshark)";

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`still not so: ${holds}`);
    await Bun.sleep(20);
  }
}

/** Whether a UDP port of this machine has a socket: of IPv4, as proc(5) lists them. */
const listens = (port: number): boolean =>
  readFileSync("/proc/net/udp", "utf8").includes(
    `:${port.toString(16).toUpperCase().padStart(4, "0")} `,
  );

/** A port of UDP that is free now. */
async function freePort(): Promise<number> {
  const socket = await Bun.udpSocket({ hostname: HOST, port: 0 });
  const { port } = socket;
  socket.close();
  return port;
}

test.skipIf(noNfcapd !== "").each(["http", "mixed", "tls"])(
  `nfcapd counts the flows of %s as they were metered${noNfcapd}`,
  async (name) => {
    const capture = sharedPath(`corpus/pcap/ipfixprobe/${name}.pcap`);
    const files = mkdtempSync(join(folder, "nfcapd-"));
    const port = await freePort();
    const collector = Bun.spawn(
      [nfcapd!, "-w", files, "-p", String(port), "-b", HOST, "-t", "3600"],
      { stdout: "ignore", stderr: "ignore" },
    );
    await until(() => listens(port));
    const csv = join(folder, `${name}.csv`);
    const target = `udp:${HOST}:${port}`;
    const { code } = await nemean(
      "meter",
      "-r",
      capture,
      "-p",
      "default",
      "--ipfix",
      target,
      "--csv",
      csv,
    );
    expect(code).toBe(0);
    await Bun.sleep(500);
    collector.kill("SIGTERM");
    await collector.exited;
    const format = "fmt:%sp,%dp,%ipkt,%opkt,%ibyt,%obyt";
    const { stdout } = Bun.spawnSync(["nfdump", "-R", files, "-q", "-N", "-o", format]);
    const stored = stdout
      .toString()
      .trim()
      .split("\n")
      // In place of a port it shows type and code of ICMP.
      .map((line) => line.replaceAll(" ", "").replace(/,\d+\.\d+,/, ",0,"));
    const names = ["SRC_PORT", "DST_PORT", "PACKETS", "PACKETS_REV", "BYTES", "BYTES_REV"];
    expect(stored.toSorted()).toEqual(columns(csv, names));
  },
);

test.skipIf(noTshark !== "")(
  `tshark takes every message apart, with its counters${noTshark}`,
  async () => {
    const capture = sharedPath("corpus/pcap/ipfixprobe/http.pcap");
    const csv = join(folder, "http.csv");
    const bytes = await taken(createTcpServer(), async (port) => {
      const target = `tcp:${HOST}:${port}`;
      await nemean("meter", "-r", capture, "-p", "all", "--ipfix", target, "--csv", csv);
    });
    const pcap = join(folder, "export.pcap");
    writeFileSync(pcap, asDatagrams(bytes));
    const field = ["cflow.octets", "cflow.packets", "cflow.srcport"].flatMap((name) => [
      "-e",
      name,
    ]);
    // Its bound on the fields of a template is lower than what all plugins have.
    const wide = ["-o", "cflow.max_template_fields:0"];
    const decode = ["-r", pcap, "-d", "udp.port==4739,cflow", ...wide];
    const { stdout } = Bun.spawnSync([tshark!, ...decode, "-T", "fields", ...field]);
    const rows = stdout
      .toString()
      .trim()
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => line.split("\t").map((values) => values.split(",")));
    const flows = columns(csv, ["SRC_PORT", "BYTES", "BYTES_REV", "PACKETS", "PACKETS_REV"]);
    const told = rows.flatMap(([octets, packets, ports]) =>
      ports!.map((port, i) =>
        [port, octets![2 * i], octets![2 * i + 1], packets![2 * i], packets![2 * i + 1]].join(","),
      ),
    );
    expect(told.toSorted()).toEqual(flows);
    const flaws = Bun.spawnSync([
      tshark!,
      ...decode,
      "-Y",
      "_ws.malformed || _ws.expert.severity == 8388608",
    ]);
    expect(flaws.stdout.toString()).toBe("");
  },
);

/** IPFIX messages of a stream as a capture of datagrams to port 4739. */
function asDatagrams(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [
    new Uint8Array(new Uint32Array([0xa1b2c3d4, 0x0004_0002, 0, 0, 65_535, 101]).buffer),
  ];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint16(at + 2);
    const packet = new Uint8Array(28 + length);
    const ip = new DataView(packet.buffer);
    ip.setUint16(0, 0x4500);
    ip.setUint16(2, packet.length);
    ip.setUint16(8, 0x4011);
    ip.setUint32(12, 0x7f00_0001);
    ip.setUint32(16, 0x7f00_0001);
    ip.setUint16(20, 4739);
    ip.setUint16(22, 4739);
    ip.setUint16(24, 8 + length);
    packet.set(bytes.subarray(at, at + length), 28);
    parts.push(
      new Uint8Array(new Uint32Array([0, 0, packet.length, packet.length]).buffer),
      packet,
    );
    at += length;
  }
  return Uint8Array.from(Buffer.concat(parts));
}
