// SPDX-License-Identifier: BSD-3-Clause
/**
 * nfreader and nfwriter against nfdump's own programs: nfdump reads what nfwriter wrote and rewrites it packed in its ways, nfpcapd and nfcapd write what
 * nfreader reads. What no peer here has: layout 1, which nothing writes any more, and zstd, which Debian's nfdump does not know.
 */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nemean, scanCapture } from "../src/control/cli/testing/command-line.ts";
import { hasShared, NO_SHARED, sharedPath } from "../src/core/testing/shared.ts";

setDefaultTimeout(120_000);

const HOST = "127.0.0.1";
const folder = mkdtempSync(join(tmpdir(), "nemean-nfdump-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const fresh = (ending: string): string => join(folder, `${files++}.${ending}`);

/** What of nfdump's programs is missing, as a test's name says it. */
const without = (...names: readonly string[]): string => {
  const missing = names.filter((name) => Bun.which(name) === null);
  return missing.length === 0 ? "" : ` (skipped: no ${missing.join(", ")}; apt-get install nfdump)`;
};
const noNfdump = without("nfdump");
const noNfpcapd = without("nfdump", "nfpcapd");
const noNfcapd =
  without("nfdump", "nfcapd") ||
  (hasShared("corpus/netflow/logstash/dat") ? "" : ` (${NO_SHARED})`);

/** Lines that a program of theirs prints. */
function lines(...args: readonly string[]): string[] {
  const { stdout, exitCode } = Bun.spawnSync([...args], { stderr: "ignore", timeout: 20_000 });
  expect(exitCode).toBe(0);
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line !== "");
}
function run(...args: readonly string[]): void {
  const { code, err } = nemean(["run", ...args]);
  expect([code, err]).toEqual([0, ""]);
}

/** Columns of nfdump's CSV that are of the flow, and not of the file: all but its exporters and engines. */
const COLUMNS =
  "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,ismc,odmc,idmc,osmc," +
  "mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr";
const NOT_OF_FLOWS = ["eng", "exid"];
const csvOf = (file: string, ...filter: readonly string[]): string[] =>
  lines("nfdump", "-r", file, "-q", "-o", "csv", ...filter).map((line) =>
    line
      .split(",")
      .filter((_, i) => !NOT_OF_FLOWS.includes(COLUMNS.split(",")[i]!))
      .join(","),
  );

/** Flows as text, made so that each field has values of its own. */
const TYPES =
  "ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,uint16 DST_PORT,uint8 PROTOCOL,uint32 PACKETS,uint64 BYTES,time TIME_FIRST,time TIME_LAST,uint8 TCP_FLAGS,uint8 TOS," +
  "uint32 PACKETS_REV,uint64 BYTES_REV,uint64 FLOWS,uint64 LINK_BIT_FIELD,ipaddr EXPORTER_IP,uint8 FORWARDING_STATUS,uint32 INPUT_INTERFACE,uint32 OUTPUT_INTERFACE," +
  "uint8 SRC_MASK,uint8 DST_MASK,uint8 FLOW_DIRECTION,uint8 DST_TOS,uint16 VLAN_ID,uint16 POST_VLAN_ID,uint32 SRC_AS,uint32 DST_AS,macaddr SRC_MAC,macaddr DST_MAC," +
  "macaddr POST_SRC_MAC,macaddr POST_DST_MAC,ipaddr NEXT_HOP,ipaddr BGP_NEXT_HOP,ipaddr NAT_SRC_IP,ipaddr NAT_DST_IP,uint16 NAT_SRC_PORT,uint16 NAT_DST_PORT," +
  "uint32 MPLS_LABEL_1,uint32 MPLS_LABEL_10";
const FLOWS = 500;

function flowsText(): string {
  const rows = Array.from({ length: FLOWS }, (_, i) => {
    const ip = (net: number): string =>
      i % 3 === 0 ? `2001:db8:${net}::${(i + 1).toString(16)}` : `10.${net}.1.${i % 250}`;
    const time = new Date(1_700_000_000_000 + i * 1013).toISOString().slice(0, -1);
    const last = new Date(1_700_000_000_000 + i * 2017).toISOString().slice(0, -1);
    const mac = (n: number): string =>
      `02:0${n}:00:00:00:${(i % 200).toString(16).padStart(2, "0")}`;
    return [
      ip(1),
      ip(2),
      1024 + i,
      i % 7 === 0 ? 443 : 53,
      i % 7 === 0 ? 6 : 17,
      i + 1,
      (i + 1) * 100,
      time,
      last,
      i % 7 === 0 ? i % 64 : 0,
      i % 256,
      i * 2,
      i * 300,
      (i % 4) + 1,
      1,
      i % 2 === 0 ? "127.0.0.9" : "::9",
      i % 200,
      i,
      i + 1,
      24,
      16,
      i % 2,
      i % 250,
      100 + i,
      i,
      64_512 + i,
      4_200_000_000 + i,
      mac(1),
      mac(2),
      mac(3),
      mac(4),
      ip(3),
      ip(4),
      ip(5),
      ip(6),
      i,
      i + 2,
      ((1000 + i) << 4) | 1,
      ((2000 + i) << 4) | 0xf,
    ].join(",");
  });
  return `${TYPES}\n${rows.join("\n")}\n`;
}

let made: string | undefined;
/** A trap file of those flows. */
function flowsFile(): string {
  if (made !== undefined) return made;
  const csv = fresh("csv");
  writeFileSync(csv, flowsText());
  made = fresh("trap");
  run("logreplay", "-i", `f:${made}:w`, "-f", csv);
  return made;
}
/** A trap file as text, with the columns in order of their names. */
function textOf(trap: string): string[] {
  const csv = fresh("csv");
  run("logger", "-i", `f:${trap}`, "-t", "-w", csv);
  const [header = "", ...rows] = readFileSync(csv, "utf8").trimEnd().split("\n");
  const names = header.split(",").map((item) => item.split(" ")[1]!);
  return rows.map((row) => {
    const cells = row.split(",").map((value, i) => `${names[i]}=${value}`);
    return cells.toSorted().join(" ");
  });
}
const FIELDS = TYPES.split(",")
  .map((item) => item.split(" ")[1]!)
  .join(",");

const WAYS = [
  ["none", []],
  ["lzo", ["-z"]],
  ["bz2", ["-j"]],
  ["lz4", ["-y"]],
] as const;

describe.skipIf(noNfdump !== "").each(WAYS)(
  `with blocks packed by %s${noNfdump}`,
  (way, option) => {
    test("nfdump reads every field that nfwriter wrote", () => {
      const file = fresh("nf");
      run("nfwriter", "-i", `f:${flowsFile()}`, "-f", file, "--compression", way, "-I", "made");
      const rows = flowsText()
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((row) => row.split(","));
      const names = FIELDS.split(",");
      const stored = csvOf(file).map((line) => line.split(","));
      expect(stored).toHaveLength(FLOWS);
      const columns = COLUMNS.split(",").filter((name) => !NOT_OF_FLOWS.includes(name));
      const pairs = {
        sa: "SRC_IP",
        da: "DST_IP",
        sp: "SRC_PORT",
        dp: "DST_PORT",
        fwd: "FORWARDING_STATUS",
        stos: "TOS",
        ipkt: "PACKETS",
        ibyt: "BYTES",
        opkt: "PACKETS_REV",
        obyt: "BYTES_REV",
        in: "INPUT_INTERFACE",
        out: "OUTPUT_INTERFACE",
        sas: "SRC_AS",
        das: "DST_AS",
        smk: "SRC_MASK",
        dmk: "DST_MASK",
        dtos: "DST_TOS",
        dir: "FLOW_DIRECTION",
        svln: "VLAN_ID",
        dvln: "POST_VLAN_ID",
        ismc: "SRC_MAC",
        odmc: "POST_DST_MAC",
        idmc: "DST_MAC",
        osmc: "POST_SRC_MAC",
        nh: "NEXT_HOP",
        ra: "EXPORTER_IP",
      };
      for (const [column, field] of Object.entries(pairs)) {
        const at = columns.indexOf(column);
        const from = names.indexOf(field);
        expect([column, ...stored.map((cells) => cells[at])]).toEqual([
          column,
          ...rows.map((row) => row[from]),
        ]);
      }
      // Its CSV has the other next hop in place of this one for IPv6.
      const hops = lines("nfdump", "-r", file, "-q", "-6", "-o", "fmt:%nhb").map((line) =>
        line.trim(),
      );
      const hop = names.indexOf("BGP_NEXT_HOP");
      expect(hops).toEqual(rows.map((row) => row[hop]!));
      const at = columns.indexOf("mpls10");
      expect(stored.map((cells) => cells[at])).toEqual(rows.map((_, i) => `${2000 + i}-7-1`));
      const info = lines("nfdump", "-r", file, "-I");
      expect(info).toContain("Ident: made");
      expect(info).toContain(`Flows: ${FLOWS}`);
      expect(info).toContain(`Packets: ${(FLOWS * (FLOWS + 1)) / 2}`);
      expect(lines("nfdump", "-v", file).join(" ")).not.toMatch(/error|corrupt/i);
      const nat = lines("nfdump", "-r", file, "-q", "-o", "json", "-c", "2").join(" ");
      for (const part of [
        '"src4_xlt_ip" : "10.5.1.1"',
        '"dst4_xlt_ip" : "10.6.1.1"',
        '"src_xlt_port" : "1"',
        '"dst_xlt_port" : "3"',
      ])
        expect(nat).toContain(part);
    });

    test("nfreader reads what nfdump wrote anew, with every field", () => {
      const trap = flowsFile();
      const ours = fresh("nf");
      run("nfwriter", "-i", `f:${trap}`, "-f", ours);
      const theirs = fresh("nf");
      lines("nfdump", "-r", ours, "-w", theirs, ...option);
      const back = fresh("trap");
      run("nfreader", "-i", `f:${back}:w`, "-F", theirs, "--fields", FIELDS);
      expect(textOf(back)).toEqual(textOf(trap));
    });
  },
);

// Its own -j wants an argument and takes none.
test.skipIf(noNfpcapd !== "").each(WAYS.filter(([way]) => way !== "bz2"))(
  `nfreader has the flows that nfpcapd metered, packed by %s${noNfpcapd}`,
  (_, option) => {
    const capture = fresh("pcap");
    writeFileSync(capture, scanCapture(300));
    const into = mkdtempSync(join(folder, "nfpcapd-"));
    lines("nfpcapd", "-r", capture, "-w", into, "-o", "fat", ...option);
    const back = fresh("trap");
    run(
      "nfreader",
      "-i",
      `f:${back}:w`,
      "-F",
      into,
      "--fields",
      "SRC_IP,DST_IP,SRC_PORT,DST_PORT,PACKETS,BYTES,SRC_MAC,TCP_FLAGS,PROTOCOL",
    );
    const [file] = readdirSync(into);
    const stored = lines(
      "nfdump",
      "-r",
      join(into, file!),
      "-q",
      "-N",
      "-o",
      "fmt:%sa,%da,%sp,%dp,%ipkt,%ibyt,%ismc",
    );
    expect(stored).toHaveLength(300);
    expect(textOf(back)).toEqual(
      stored.map((line) => {
        const [sa, da, sp, dp, packets, bytes, mac] = line.replaceAll(" ", "").split(",");
        return `BYTES=${bytes} DST_IP=${da} DST_PORT=${dp} PACKETS=${packets} PROTOCOL=6 SRC_IP=${sa} SRC_MAC=${mac} SRC_PORT=${sp} TCP_FLAGS=2`;
      }),
    );
  },
);

/** What exporters of many vendors sent, as nfcapd keeps it. */
async function collected(option: readonly string[]): Promise<string> {
  const into = mkdtempSync(join(folder, "nfcapd-"));
  const probe = await Bun.udpSocket({ hostname: HOST, port: 0 });
  const { port } = probe;
  probe.close();
  const collector = Bun.spawn(
    ["nfcapd", "-w", into, "-p", String(port), "-b", HOST, "-t", "3600", ...option],
    { stdout: "ignore", stderr: "ignore" },
  );
  const listening = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  while (!readFileSync("/proc/net/udp", "utf8").includes(listening)) await Bun.sleep(20);
  const socket = await Bun.udpSocket({ hostname: HOST });
  const datagrams = sharedPath("corpus/netflow/logstash/dat");
  for (const name of readdirSync(datagrams).toSorted()) {
    socket.send(readFileSync(join(datagrams, name)), port, HOST);
    await Bun.sleep(2);
  }
  await Bun.sleep(300);
  socket.close();
  collector.kill("SIGTERM");
  await collector.exited;
  return join(into, readdirSync(into)[0]!);
}

describe.skipIf(noNfcapd !== "").each(WAYS)(
  `with exporters' flows that nfcapd packed by %s${noNfcapd}`,
  (_, option) => {
    test("nfdump shows the same flows of what nfreader read and nfwriter wrote", async () => {
      const theirs = await collected(option);
      const trap = fresh("trap");
      run("nfreader", "-i", `f:${trap}:w`, "-F", theirs, "--fields", `${FIELDS},RECEIVED_TIME`);
      const ours = fresh("nf");
      run("nfwriter", "-i", `f:${trap}`, "-f", ours);
      // Times that UniRec does not have, after 2106, are those of broken exporters.
      const within = (line: string): boolean => /^20[0-9]{2}-[^,]*,20[0-9]{2}-/.test(line);
      const wanted = csvOf(theirs);
      const stored = csvOf(ours);
      expect(stored).toHaveLength(wanted.length);
      const same = wanted.flatMap((line, i) => (within(line) ? i : []));
      expect(same.length).toBeGreaterThan(150);
      expect(same.map((i) => stored[i])).toEqual(same.map((i) => wanted[i]));
    });
  },
);

const FILTERS = [
  "src port 53 or src port 22",
  "bytes > 1000",
  "out bytes > 0",
  "bps > 1k",
  "pps > 1",
  "flags S",
  "flags AS and not flags F",
  "inet6",
  "src net 10.0.0.0/8 and not dst net 10.2.0.0 255.255.0.0",
  "proto udp and port in [53 123]",
  "src port > 1200",
  "tos 72",
  "in if 3",
  "src vlan 117",
  "router ip 127.0.0.9",
  "src ip in [10.1.1.1 2001:db8:1::3]",
  "packets > 10 and bytes < 5k",
  "not (proto tcp or src port < 1100)",
] as const;
test.skipIf(noNfdump !== "").each(FILTERS)(
  `nfreader and nfdump choose the same flows by: %s${noNfdump}`,
  (filter) => {
    const file = fresh("nf");
    run("nfwriter", "-i", `f:${flowsFile()}`, "-f", file);
    const trap = fresh("trap");
    run("nfreader", "-i", `f:${trap}:w`, "-F", file, "-f", filter, "--fields", "SRC_IP,SRC_PORT");
    const wanted = lines(
      "nfdump",
      "-r",
      file,
      "-q",
      "-N",
      "-6",
      "-o",
      "fmt:%sa,%sp",
      filter,
    ).filter((line) => line.includes(","));
    expect(textOf(trap)).toEqual(
      wanted.map((line) => {
        const [sa, sp] = line.replaceAll(" ", "").split(",");
        return `SRC_IP=${sa} SRC_PORT=${sp}`;
      }),
    );
  },
);
