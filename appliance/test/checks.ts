// SPDX-License-Identifier: BSD-3-Clause
/** What has to be true inside of a machine that runs. @module */
import type { Machine } from "../machine.ts";
import { until } from "../watch.ts";
import type { Guest } from "./guest.ts";
import { NET_RAW, NO_CAPABILITY, processes, tapPort } from "./inspect.ts";
import type { Report } from "./report.ts";
import type { TapCable } from "./tap.ts";

/** A machine, and the ways into it. */
export interface Box {
  readonly machine: Machine;
  readonly guest: Guest;
  readonly cable: TapCable;
  readonly url: string;
}

export async function checkSystem(report: Report, { machine, guest }: Box): Promise<void> {
  const state = await until(machine, "a system that runs", () => {
    const now = guest.try("systemctl is-system-running")?.trim();
    return now === "starting" || now === "initializing" ? undefined : now;
  });
  const failed = guest.do("systemctl list-units --failed --plain --no-legend").trim();
  report.check("no unit has failed", state === "running", `${state} ${failed}`);
  report.figure("boot", guest.do("systemd-analyze time").split("\n", 1)[0]!);
  report.figure(
    "memory",
    guest.do("grep -E '^Mem(Total|Available)' /proc/meminfo").replaceAll(/\s+/g, " "),
  );
  const locked = guest.do("grep -c '^[^:]*:[*!]' /etc/shadow").trim();
  const all = guest.do("grep -c . /etc/shadow").trim();
  report.check("no account has a password", locked === all, `${locked} of ${all}`);
  report.check(
    "/var is a partition of its own",
    guest.do("findmnt -no SOURCE /var").trim().startsWith("/dev/vda3"),
  );
  report.check("the journal is kept", guest.do("ls /var/log/journal").trim().length === 32);
  report.check("there is no apt source", guest.do("ls -A /etc/apt 2>/dev/null").trim() === "");
  const rules = guest.do("nft list chain inet nemean input");
  report.check("the firewall drops what it does not know", rules.includes("policy drop"));
  const listening = guest.do("ss -Hltnu | awk '{print $1, $5}'").trim().split("\n").join("; ");
  report.figure("listening", listening);
}

export function checkTap(report: Report, guest: Guest): void {
  const port = tapPort(guest);
  report.check("the tap listens to all frames", port.promiscuous);
  report.check("the tap has no address", port.addresses === 0);
  report.check("the tap merges nothing", port.offloads.length === 0, port.offloads.join(" "));
}

export function checkCages(report: Report, guest: Guest): void {
  const all = processes(guest);
  for (const { unit, uid, capEff, noNewPrivs, seccomp } of all) {
    const wanted = unit.startsWith("nemean-capture@") ? NET_RAW : NO_CAPABILITY;
    report.check(
      `${unit}: uid ${uid}, CapEff ${capEff}, no new privileges, seccomp`,
      uid !== 0 && capEff === wanted && noNewPrivs && seccomp,
    );
  }
  const units = all.map(({ unit }) => unit).toSorted();
  const expected = [
    "nemean-capture@tap0.service",
    "nemean-control.service",
    "nemean-detectors.service",
  ];
  report.check(
    "control, capture and detectors run",
    Bun.deepEquals(units, expected),
    units.join(" "),
  );
}

export function checkDoctor(report: Report, guest: Guest): void {
  const said = guest.do("nemean doctor -I tap0 --data /var/lib/nemean");
  const bad = said.split("\n").filter((line) => line.startsWith("BAD"));
  report.check(
    "nemean doctor finds nothing wrong with the tap",
    said.includes("tap0") && bad.length === 0,
    bad.join("; "),
  );
}

/** What hangs is ended and started again: the others by control, and control by systemd's watchdog. */
export async function checkWatchdog(report: Report, { machine, guest }: Box): Promise<void> {
  const pid = (unit: string): string => guest.do(`systemctl show -P MainPID ${unit}`).trim();
  const hang = async (unit: string): Promise<string> => {
    const before = pid(unit);
    guest.do(`systemctl kill --signal=STOP ${unit}`);
    await until(machine, `another process of ${unit}`, () => {
      const isUp = guest.do(`systemctl is-active ${unit}`).trim() === "active";
      return (isUp && !["0", before].includes(pid(unit))) || undefined;
    });
    return guest.do(`journalctl -b --no-pager -o cat -u ${unit}`);
  };
  const detectors = await hang("nemean-detectors.service");
  report.check(
    "detectors that hang are killed, and come back",
    detectors.includes("SIGKILL to main process"),
    detectors,
  );
  const capture = pid("nemean-capture@tap0.service");
  const control = await hang("nemean-control.service");
  report.check(
    "control that hangs is killed by the watchdog, and comes back",
    control.includes("Watchdog timeout"),
    control,
  );
  report.check("capture goes on meanwhile", pid("nemean-capture@tap0.service") === capture);
}
