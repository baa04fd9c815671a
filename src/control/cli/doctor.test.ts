// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import type { InterfaceReport } from "../../collectors/live/interfaces.ts";
import { type DataFolder, lookAtMachine, type Machine, machineFindings } from "./doctor-machine.ts";
import { tapFindings } from "./doctor-tap.ts";
import { type Finding, findingLine } from "./finding.ts";
import { Folder, nemean } from "./testing/command-line.ts";

const data: DataFolder = { path: "/data", writable: true, free: 5e9 };
const machine: Machine = {
  bun: "1.4.5",
  bunPinned: "1.4.5",
  libpcap: "libpcap version 1.10.5",
  now: Date.UTC(2026, 0, 2, 3, 4, 5),
  synchronised: true,
  mayCapture: true,
  data,
};
const tap: InterfaceReport = {
  exists: true,
  name: "tap0",
  up: true,
  carrier: true,
  loopback: false,
  promiscuous: false,
  mtu: 1500,
  driver: "ixgbe",
  speed: 10_000,
  gro: false,
  groHardware: false,
  lro: false,
  gso: false,
  tso: false,
  vlanOffload: true,
  rxRing: { current: 4096, max: 4096 },
  statistics: { rx_dropped: 0 },
};

/** What is not ok, as it is read. */
const lines = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level !== "ok").map(findingLine);

const MACHINES: readonly [string, Partial<Machine>, string][] = [
  ["another Bun", { bun: "1.3.0" }, "note  Bun 1.3.0, tested with 1.4.5: npm install -g bun@1.4.5"],
  ["no libpcap", { libpcap: undefined }, "BAD   libpcap is missing: apt-get install libpcap0.8"],
  ["no right to capture", { mayCapture: false }, "BAD   this user may not capture"],
  ["a clock of 1970", { now: 1e9 }, "BAD   the clock says 1970-01-12T13:46:40Z: set it"],
  ["a clock left alone", { synchronised: false }, "note  the clock says 2026-01-02T03:04:05Z, and"],
  ["little room", { data: { ...data, free: 1e9 } }, "note  1.0 GB free in /data: a full alert"],
  ["no room", { data: { ...data, free: 5e6 } }, "BAD   0.0 GB free in /data: make room"],
  [
    "a folder of others",
    { data: { ...data, writable: false } },
    "BAD   /data cannot be written: choose another --data folder",
  ],
];

describe("machineFindings", () => {
  test("machineFindings finds nothing wrong where nothing is", () => {
    expect(lines(machineFindings(machine, true))).toEqual([]);
    expect(lines(machineFindings({ ...machine, bunPinned: undefined }, true))).toEqual([]);
    expect(lines(machineFindings({ ...machine, synchronised: undefined }, true))).toEqual([]);
  });

  test.each(MACHINES)("machineFindings says the cure for %s", (_, change, line) => {
    const [only, ...rest] = lines(machineFindings({ ...machine, ...change }, true));
    expect(only).toStartWith(line);
    expect(rest).toEqual([]);
  });

  test("machineFindings takes the right to capture lightly when no interface is asked for", () => {
    const [found] = lines(machineFindings({ ...machine, mayCapture: false }, false));
    expect(found).toStartWith("note  this user may not capture");
  });

  test("lookAtMachine finds the folder above one that is still to be made", () => {
    const folder = new Folder();
    const seen = lookAtMachine(folder.at("to/be/made"));
    expect(seen.data.path).toBe(folder.path);
    expect(seen.data.writable).toBe(true);
    expect(seen.data.free).toBeGreaterThan(0);
    expect(Math.abs(seen.now - Date.now())).toBeLessThan(60_000);
    folder.remove();
  });
});

const TAPS: readonly [string, Partial<InterfaceReport>, string][] = [
  ["an interface that is down", { up: false }, "BAD   tap0 is down: ip link set tap0 up"],
  ["a line without signal", { carrier: false }, "BAD   tap0 has no signal: look at the cable"],
  [
    "gro",
    { gro: true },
    "BAD   tap0: gro merges packets before they are counted: ethtool -K tap0 gro off",
  ],
  [
    "lro",
    { lro: true },
    "BAD   tap0: lro merges packets before they are counted: ethtool -K tap0 lro off",
  ],
  ["gro in hardware", { groHardware: true }, "BAD   tap0: rx-gro-hw merges packets"],
  ["a driver that does not tell", { gro: undefined }, "note  tap0: the driver does not say"],
  ["cutting by the card", { tso: true }, "note  tap0: packets this machine sends itself"],
  [
    "a small ring",
    { rxRing: { current: 512, max: 4096 } },
    "note  tap0: receive ring 512 of 4096, bursts may be lost: ethtool -G tap0 rx 4096",
  ],
  [
    "frames lost by the card",
    { statistics: { rx_dropped: 0, rx_missed_errors: 1234 } },
    "note  tap0 has lost frames: 1,234 rx_missed_errors: if the numbers grow",
  ],
];

describe("tapFindings", () => {
  test("tapFindings finds nothing wrong where nothing is, and says the speed", () => {
    const findings = tapFindings(tap, []);
    expect(lines(findings)).toEqual([]);
    expect(findings.map(findingLine)).toContain("ok    tap0 is up, 10000 Mb/s");
  });

  test.each(TAPS)("tapFindings says the cure for %s", (_, change, line) => {
    const [only, ...rest] = lines(tapFindings({ ...tap, ...change }, []));
    expect(only).toStartWith(line);
    expect(rest).toEqual([]);
  });

  test("tapFindings names the interfaces there are when this one is not", () => {
    const missing = { exists: false, name: "eth9" } as const;
    expect(lines(tapFindings(missing, [tap, { ...tap, name: "lo" }]))).toEqual([
      "BAD   eth9: no such interface: there are tap0, lo",
    ]);
  });
});

describe("doctor", () => {
  test("doctor looks at this machine and ends with 0 unless something is BAD", () => {
    const { code, out, err } = nemean(["doctor", "--json"]);
    const findings: Finding[] = JSON.parse(out);
    expect(err).toBe("");
    expect(findings.map(({ check }) => check)).toEqual([
      "bun",
      "libpcap",
      "permission",
      "clock",
      "disk",
      "interfaces",
    ]);
    expect(code).toBe(findings.some(({ level }) => level === "BAD") ? 69 : 0);
    expect(findings.find(({ check }) => check === "interfaces")!.text).toContain("lo");
  });

  test("doctor ends with 69 for an interface that is not there", () => {
    const { code, out } = nemean(["doctor", "-I", "none\u001b[31m0"]);
    expect(code).toBe(69);
    expect(out).toContain("BAD   none\\x1b[31m0: no such interface: there are ");
  });
});
