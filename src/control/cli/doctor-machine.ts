// SPDX-License-Identifier: BSD-3-Clause
import { dlopen } from "bun:ffi";
import { accessSync, constants, existsSync, readFileSync, statfsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { libpcapAvailable, libraryVersion } from "@bun/ffi-libpcap-bindings";
import { bad, type Finding, note, ok } from "./finding.ts";

/** What the machine is like; apart from its judgement, so that tests can make one up. */
export interface Machine {
  readonly bun: string;
  /** The version this tree was tested with; undefined in a bundle, which brings its own. */
  readonly bunPinned: string | undefined;
  readonly libpcap: string | undefined;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
  /** Whether the kernel says that something keeps its clock right; undefined where it does not tell. */
  readonly synchronised: boolean | undefined;
  readonly mayCapture: boolean;
  readonly data: DataFolder;
}

/** The folder for alerts and states, or the nearest one above it that exists. */
export interface DataFolder {
  readonly path: string;
  readonly writable: boolean;
  /** Bytes that are free for this user. */
  readonly free: number;
}

const CAP_NET_RAW = 13n;
const EFFECTIVE = /^CapEff:\s*([0-9a-f]+)$/m;
/** The project began in it: a clock before has not been set. */
const YEAR_MIN = 2024;
const YEAR_MAX = 2100;
/** A million events and their indexes take less than 2 GB. */
const FREE_MIN = 100e6;
const FREE_GOOD = 2e9;

export function machineFindings(machine: Machine, capturing: boolean): Finding[] {
  const { bun, bunPinned, libpcap } = machine;
  return [
    bunPinned === undefined || bun === bunPinned
      ? ok("bun", `Bun ${bun}`)
      : note("bun", `Bun ${bun}, tested with ${bunPinned}`, `npm install -g bun@${bunPinned}`),
    libpcap === undefined
      ? bad("libpcap", "libpcap is missing", "apt-get install libpcap0.8")
      : ok("libpcap", libpcap),
    permission(machine.mayCapture, capturing),
    clock(machine),
    disk(machine.data),
  ];
}

function permission(mayCapture: boolean, capturing: boolean): Finding {
  if (mayCapture) return ok("permission", "this user may capture");
  const text = "this user may not capture, which takes CAP_NET_RAW";
  const cure = "run as root, or as a service with AmbientCapabilities=CAP_NET_RAW";
  return capturing ? bad("permission", text, cure) : note("permission", text, cure);
}

function clock({ now, synchronised }: Machine): Finding {
  const date = new Date(now);
  const text = `${date.toISOString().slice(0, 19)}Z`;
  if (date.getUTCFullYear() < YEAR_MIN || date.getUTCFullYear() > YEAR_MAX)
    return bad("clock", `the clock says ${text}`, "set it, then run an NTP client");
  if (synchronised === false)
    return note(
      "clock",
      `the clock says ${text}, and nothing keeps it right`,
      "run an NTP client: apt-get install systemd-timesyncd",
    );
  return ok("clock", `the clock says ${text}${synchronised ? ", kept right by NTP" : ""}`);
}

function disk({ path, writable, free }: DataFolder): Finding {
  const room = `${(free / 1e9).toFixed(1)} GB free in ${path}`;
  if (!writable) return bad("disk", `${path} cannot be written`, "choose another --data folder");
  if (free < FREE_MIN) return bad("disk", room, "make room, or choose another --data folder");
  if (free < FREE_GOOD) return note("disk", room, "a full alert store takes up to 2 GB");
  return ok("disk", room);
}

/** Look at this machine. */
export const lookAtMachine = (data: string): Machine => ({
  bun: Bun.version,
  bunPinned: pinned(),
  libpcap: libpcapAvailable() ? libraryVersion() : undefined,
  now: Date.now(),
  synchronised: clockSynchronised(),
  mayCapture: mayCapture(),
  data: folderFor(data),
});

function pinned(): string | undefined {
  const file = join(import.meta.dir, "../../../.bun-version");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

function mayCapture(): boolean {
  const [, hex] = EFFECTIVE.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return hex !== undefined && ((BigInt(`0x${hex}`) >> CAP_NET_RAW) & 1n) === 1n;
}

/** Bytes of struct timex, and where its status lies on 64-bit Linux (adjtimex(2)); room to spare. */
const TIMEX_SIZE = 256;
const TIMEX_STATUS = 40;
const STA_UNSYNC = 0x40;

function clockSynchronised(): boolean | undefined {
  const libc = dlopen("libc.so.6", { adjtimex: { args: ["ptr"], returns: "int" } });
  // All zero: nothing is to be changed, which takes no privilege.
  const timex = new Uint8Array(new ArrayBuffer(TIMEX_SIZE));
  const state = libc.symbols.adjtimex(timex);
  const status = new DataView(timex.buffer).getInt32(TIMEX_STATUS, true);
  libc.close();
  return state < 0 ? undefined : (status & STA_UNSYNC) === 0;
}

function folderFor(data: string): DataFolder {
  let path = resolve(data);
  while (!existsSync(path) && path !== dirname(path)) path = dirname(path);
  const { bavail, bsize } = statfsSync(path);
  return { path, writable: isWritable(path), free: bavail * bsize };
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
