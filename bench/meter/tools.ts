// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { spawnSync, udpSocket } from "bun";
import { CACHE_DIR } from "../captures.ts";
import { type ProcessResult, runMeasured } from "./process.ts";

/** One run of a tool over a capture. */
export interface Sample {
  readonly process: ProcessResult;
  /** Flows that the tool says it exported. */
  readonly flows: number | undefined;
  /** Packets that the tool says it read. */
  readonly packets: number | undefined;
  /** Resident bytes before the flow table was taken: of ours only. */
  readonly rssBefore: number | undefined;
}

export interface Tool {
  readonly name: string;
  /** A flow of both directions, or of one: only the first compares with a count of biflows. */
  readonly counts: "biflows" | "uniflows";
  readonly run: (capture: string) => Promise<Sample>;
}

const MAIN = resolve(import.meta.dir, "../../src/main.ts");

/** The meter of this tree, or undefined where it has no command line yet. */
export const ours = (): Tool | undefined =>
  existsSync(MAIN) ? { name: "nemean", counts: "biflows", run: runNemean } : undefined;

/** The last JSON object in `text`, on one line or over all of it. */
export const lastJsonObject = (text: string): Record<string, unknown> => {
  for (const candidate of [text, ...text.trimEnd().split("\n").reverse()]) {
    try {
      const value: unknown = JSON.parse(candidate);
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch {
      // Not this line.
    }
  }
  return {};
};

const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" ? value : undefined;

/** The number that `pattern` captures in `text`. */
export const matchNumber = (text: string, pattern: RegExp): number | undefined => {
  const found = pattern.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
};

/** More flows than h8M has at once; the default's 4 M would make some leave. */
const FLOWS_MAX = 2 ** 23;

const runNemean = async (capture: string): Promise<Sample> => {
  const command = [process.execPath, MAIN, "meter", "-r", capture, "-i", "b:", "--stats", "json"];
  if (capture.endsWith("h8M.pcap")) command.push("--max-flows", String(FLOWS_MAX));
  const result = await runMeasured(command);
  const stats = lastJsonObject(result.stdout);
  return {
    process: result,
    flows: numberOf(stats["flows"]),
    packets: numberOf(stats["packets"]),
    rssBefore: numberOf(stats["rssBefore"]),
  };
};

/** It counts what it meters and what it ignores (ARP and the like) apart. */
const softflowdPackets = (said: string): number | undefined => {
  const processed = matchNumber(said, /Packets processed: (\d+)/);
  const ignored = matchNumber(said, /Ignored packets: (\d+)/);
  return processed === undefined ? undefined : processed + (ignored ?? 0);
};

const runSoftflowd = async (capture: string): Promise<Sample> => {
  // Its export ends in a socket of ours: nothing leaves the machine or meets a closed port.
  const sink = await udpSocket({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  try {
    const target = `127.0.0.1:${sink.port}`;
    const options = ["-r", capture, "-n", target, "-v", "9", "-m", "4000000", "-d"];
    const result = await runMeasured(["softflowd", ...options]);
    const said = result.stdout + result.stderr;
    return {
      process: result,
      flows: matchNumber(said, /Flows exported: (\d+)/),
      packets: softflowdPackets(said),
      rssBefore: undefined,
    };
  } finally {
    sink.close();
  }
};

const runNfpcapd = async (capture: string): Promise<Sample> => {
  const directory = mkdtempSync(join(CACHE_DIR, "nfpcapd-"));
  try {
    const result = await runMeasured(["nfpcapd", "-r", capture, "-w", directory, "-e", "300,30"]);
    // Counted afterwards by nfdump from the files, outside the measurement.
    const summary = spawnSync(["nfdump", "-R", directory, "-I"]).stdout.toString();
    return {
      process: result,
      flows: matchNumber(summary, /^Flows: (\d+)/m),
      packets: matchNumber(result.stdout + result.stderr, /Total: Processed: (\d+)/),
      rssBefore: undefined,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
};

/** The meters of other projects that Debian packages, by name. */
export const PEERS: Readonly<Record<string, Tool>> = {
  softflowd: { name: "softflowd", counts: "biflows", run: runSoftflowd },
  nfpcapd: { name: "nfpcapd", counts: "uniflows", run: runNfpcapd },
};
