// SPDX-License-Identifier: BSD-3-Clause
// What real exporters send over loopback, as the collector has it: softflowd, and the product's own meter.
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ipfixModule from "../../src/collectors/ipfix/index.ts";
import { MAIN, scanCapture } from "../../src/control/cli/testing/command-line.ts";
import { Harness, type Row } from "../../src/core/testing/run-module.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../src/core/testing/shared.ts";

setDefaultTimeout(60_000);

const HOST = "127.0.0.1";
const PORTS = 60;
const folder = mkdtempSync(join(tmpdir(), "nemean-peers-"));
afterAll(() => rmSync(folder, { recursive: true }));
const scan = join(folder, "scan.pcap");
writeFileSync(scan, scanCapture(PORTS));

async function freePort(): Promise<number> {
  const socket = await Bun.udpSocket({ hostname: HOST, port: 0 });
  const { port } = socket;
  socket.close();
  return port;
}

interface Collected {
  readonly rows: readonly Row[];
  readonly text: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

/** What the collector has of an exporter that sends to a port and ends; it sends so many flows. */
async function collected(
  flows: number,
  fields: string,
  exporter: (target: string) => readonly string[],
): Promise<Collected> {
  const port = await freePort();
  const harness = new Harness(ipfixModule as never, { listen: `udp:${HOST}:${port}`, fields });
  const { runner } = harness;
  const child = Bun.spawn([...exporter(`${HOST}:${port}`)], { stdout: "ignore", stderr: "ignore" });
  const output = runner.outputs["flows"]!;
  const end = Date.now() + 30_000;
  while ((output.records < flows || child.exitCode === null) && Date.now() < end) {
    runner.produce();
    await Bun.sleep(1);
  }
  child.kill();
  runner.end();
  const { out, text } = harness.outcome();
  return {
    rows: out["flows"]!,
    text: text["flows"]!.trimEnd().split("\n"),
    counts: runner.counters.snapshot(),
  };
}

const softflowd = Bun.which("softflowd") ?? Bun.which("/usr/sbin/softflowd");
const noSoftflowd = softflowd ? "" : " (skipped: no softflowd)";

test.skipIf(noSoftflowd !== "").each([5, 9, 10])(
  `ipfix has the flows of a scan as softflowd exports them by version %i${noSoftflowd}`,
  async (version) => {
    const { rows, counts } = await collected(PORTS, "", (target) => [
      softflowd!,
      ...`-d -r ${scan} -n ${target} -v ${version}`.split(" "),
      ...["-c", "none"],
    ]);
    expect(rows).toHaveLength(PORTS);
    expect(rows.map(({ DST_PORT }) => Number(DST_PORT)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: PORTS }, (_, i) => 1 + i),
    );
    for (const row of rows) {
      expect(row).toMatchObject({
        SRC_PORT: 40_000,
        PROTOCOL: 6,
        PACKETS: 1,
        BYTES: 40,
        TCP_FLAGS: 2,
      });
      expect([String(row["SRC_IP"]), String(row["DST_IP"])]).toEqual(["10.0.0.1", "10.0.0.2"]);
      expect(row["TIME_FIRST"]).toBe(row["TIME_LAST"]!);
    }
    // Its sequence numbers of IPFIX count what is in the message, too.
    const lost = version === 10 ? counts["sequence_lost"]! : 0;
    expect(counts).toMatchObject({
      malformed: 0,
      messages_foreign: 0,
      kernel_drops: 0,
      sequence_lost: lost,
    });
  },
);

/** Captures, and what is metered beside the flows: plugins that have no element in common. */
const CAPTURES = [
  ["http", "http,pstats"],
  ["mixed", "basicplus,phists,vlan"],
  ["tls", "tls,bstats"],
  ["dns", "dns"],
];
const noCaptures = hasShared("corpus/pcap/ipfixprobe") ? "" : ` (${NO_SHARED})`;

test.skipIf(noCaptures !== "").each(CAPTURES)(
  `ipfix has the flows of %s as the meter sent them, field by field${noCaptures}`,
  async (name, plugins) => {
    const csv = join(folder, `${name}.csv`);
    const capture = sharedPath(`corpus/pcap/ipfixprobe/${name}.pcap`);
    const meter = [process.execPath, MAIN, "meter", "-r", capture, "-p", plugins];
    // Once for its text, to know the fields and how many flows there are.
    await Bun.spawn([...meter, "--csv", csv], { stdout: "ignore", stderr: "ignore" }).exited;
    const [header = "", ...lines] = readFileSync(csv, "utf8").trimEnd().split("\n");
    const { text, counts } = await collected(lines.length, header, (target) => [
      ...meter,
      "--ipfix",
      `udp:${target}`,
    ]);
    expect(counts).toMatchObject({ malformed: 0, sequence_lost: 0, kernel_drops: 0 });
    expect(misses(text, [header, ...lines])).toEqual({});
  },
);

test(`ipfix has the flows of a scan as the meter sent them`, async () => {
  const fields = "SRC_IP,DST_IP,SRC_PORT,DST_PORT,PACKETS,BYTES,PACKETS_REV,TIME_FIRST,TCP_FLAGS";
  const { rows } = await collected(PORTS, fields, (target) => [
    process.execPath,
    MAIN,
    "meter",
    "-r",
    scan,
    "--ipfix",
    `udp:${target}`,
  ]);
  expect(rows.map(({ DST_PORT }) => Number(DST_PORT)).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: PORTS }, (_, i) => 1 + i),
  );
  for (const row of rows)
    expect(row).toMatchObject({ PACKETS: 1, BYTES: 40, PACKETS_REV: 0, TCP_FLAGS: 2 });
});

/** How often each column differs between texts with the same flows, whatever their order. */
function misses(own: readonly string[], wanted: readonly string[]): Record<string, number> {
  const [a, b] = [own, wanted].map(table) as [Table, Table];
  if (a.rows.length !== b.rows.length) return { rows: a.rows.length - b.rows.length };
  const names = b.header.filter((name) => !LEFT_OUT.has(name));
  const wrong: Record<string, number> = {};
  for (const name of names) {
    const column = ({ header, rows }: Table): string[] =>
      rows.map((row) => `${keyOf(header, row)} ${cut(row[header.indexOf(name)])}`).sort();
    const [left, right] = [column(a), column(b)];
    const count = right.filter((value, i) => value !== left[i]).length;
    if (count > 0) wrong[name] = count;
  }
  return wrong;
}

/** Times in lists are sent in milliseconds. */
const cut = (value = ""): string =>
  value.startsWith("[") ? value.replaceAll(LIST_MICROS, "$1") : value;
const LIST_MICROS = /(T[\d:]+\.\d{3})\d{3}/g;

interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Fields that are the collector's own. */
const LEFT_OUT = new Set(["LINK_BIT_FIELD"]);
const KEY = ["SRC_IP", "DST_IP", "SRC_PORT", "DST_PORT", "PROTOCOL", "TIME_FIRST"];
const keyOf = (header: readonly string[], row: readonly string[]): string =>
  KEY.map((name) => row[header.indexOf(name)]).join(" ");
/** A comma outside quotation marks. */
const COMMA = /,(?=(?:[^"]*"[^"]*")*[^"]*$)/;

function table([header = "", ...lines]: readonly string[]): Table {
  return {
    header: header.split(",").map((field) => field.split(" ")[1] ?? ""),
    rows: lines.map((line) => line.split(COMMA)),
  };
}
