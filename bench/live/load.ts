// SPDX-License-Identifier: BSD-3-Clause
import { join } from "node:path";
import { Product } from "../../tests/live/product.ts";

const REQUESTS = join(import.meta.dir, "requests.ts");
/** Clock ticks of /proc/PID/stat in a second. */

export interface Answers {
  readonly count: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Ask the API for some seconds, from a process of its own. */
export async function ask(url: string, seconds: number): Promise<Answers> {
  const child = Bun.spawn([process.execPath, REQUESTS, url, String(seconds)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { latencies, failed } = (await new Response(child.stdout).json()) as {
    latencies: number[];
    failed: number;
  };
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)]!;
  return { count: latencies.length, failed, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Frames a tcpreplay of a file sends at full speed in some seconds. */
export async function flood(file: string, seconds: number): Promise<number> {
  const options = ["--topspeed", "--preload-pcap", "--loop=0", `--duration=${seconds}`];
  const child = Bun.spawn(["tcpreplay", "-q", ...options, "-i", "left", file], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const said =
    (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
  const [, sent] = /Successful packets:\s+(\d+)/.exec(said) ?? [];
  if (sent === undefined) throw new Error(`tcpreplay: ${said}`);
  return Number(sent);
}

/** Frames of an interface, as the API counts them. */
export async function frames(url: string): Promise<{ received: number; dropped: number }> {
  const { sources } = (await (await fetch(`${url}api/v1/stats`)).json()) as {
    sources: { capture: { received: number; dropped: number } }[];
  };
  const sum = (key: "received" | "dropped"): number =>
    sources.reduce((total, { capture }) => total + capture[key], 0);
  return { received: sum("received"), dropped: sum("dropped") };
}

/** Start the product and wait for the address of its API. */
export async function start(args: readonly string[], pattern: RegExp) {
  const product = new Product(args);
  const [, url] = await product.said(pattern);
  return { product, url: url! };
}
