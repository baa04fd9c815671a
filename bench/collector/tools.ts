// SPDX-License-Identifier: BSD-3-Clause
/** Collectors that take the same stream: ours, nfcapd and nfacctd. @module */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "bun";

/** What a collector says it has done. */
export interface Taken {
  readonly records: number;
  /** Datagrams that it counts as dropped, where it does. */
  readonly drops?: number;
}

export interface CollectorTool {
  readonly name: string;
  /** What it does with the flows. */
  readonly job: string;
  /** Whether it can run here. */
  readonly isThere: boolean;
  /** The command that listens on a port, with a folder of its own. */
  command(port: number, folder: string): readonly string[];
  /** What it has taken, once it has ended. */
  taken(folder: string, stdout: string): Taken;
}

const BUFFER = 32 << 20;
const MAIN = join(import.meta.dir, "../../src/main.ts");

const nemean: CollectorTool = {
  name: "nemean",
  job: "decodes to UniRec records of 29 fields, into a blackhole",
  isThere: true,
  command: (port) => [
    process.execPath,
    MAIN,
    ..."run ipfix -i b: --report --listen".split(" "),
    `udp:127.0.0.1:${port}`,
  ],
  taken(_, stdout) {
    const counts = JSON.parse(stdout) as Record<string, number>;
    return { records: counts["records"]!, drops: counts["kernel_drops"]! };
  },
};

const nfcapd: CollectorTool = {
  name: "nfcapd",
  job: "writes its own files",
  isThere: Bun.which("nfcapd") !== null && Bun.which("nfdump") !== null,
  command: (port, folder) => [
    ..."nfcapd -4 -b 127.0.0.1 -t 3600 -p".split(" "),
    `${port}`,
    "-B",
    `${BUFFER}`,
    "-w",
    folder,
  ],
  taken(folder) {
    const { stdout } = spawnSync(["nfdump", "-R", folder, "-I"]);
    return { records: Number(/^Flows: (\d+)$/m.exec(stdout.toString())?.[1] ?? Number.NaN) };
  },
};

const nfacctd: CollectorTool = {
  name: "nfacctd",
  job: "aggregates by address, port and protocol in memory",
  isThere: Bun.which("nfacctd") !== null,
  command(port, folder) {
    mkdirSync(folder, { recursive: true });
    const config = join(folder, "nfacctd.conf");
    const lines = [
      "daemonize: false",
      "nfacctd_ip: 127.0.0.1",
      `nfacctd_port: ${port}`,
      `nfacctd_pipe_size: ${BUFFER}`,
      "plugins: print",
      "plugin_pipe_size: 102400000",
      "plugin_buffer_size: 102400",
      "print_refresh_time: 3600",
      `print_output_file: ${folder}/flows.txt`,
      "print_output: csv",
      "aggregate: src_host,dst_host,src_port,dst_port,proto,tos,tcpflags,flows",
    ];
    writeFileSync(config, `${lines.join("\n")}\n`);
    return ["nfacctd", "-f", config];
  },
  taken(folder) {
    try {
      const rows = readFileSync(join(folder, "flows.txt"), "utf8").trimEnd().split("\n");
      const [header = "", ...flows] = rows;
      const at = header.split(",").indexOf("FLOWS");
      return {
        records: at < 0 ? Number.NaN : flows.reduce((n, row) => n + Number(row.split(",")[at]), 0),
      };
    } catch {
      return { records: Number.NaN };
    }
  },
};

export const TOOLS: readonly CollectorTool[] = [nemean, nfcapd, nfacctd];
