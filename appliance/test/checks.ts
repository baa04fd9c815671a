// SPDX-License-Identifier: BSD-3-Clause
/** What has to be true inside of a machine that runs. @module */
import type { Machine } from "../machine.ts";
import { until } from "../watch.ts";
import type { Guest } from "./guest.ts";
import { NET_RAW, NO_CAPABILITY, processes, type TapPort, tapPort } from "./inspect.ts";
import type { Report } from "./report.ts";
import type { TapCable } from "./tap.ts";
import { talk } from "./traffic.ts";

/** A machine, and the ways into it. */
export interface Box {
  readonly machine: Machine;
  readonly guest: Guest;
  readonly cable: TapCable;
  readonly url: string;
  /** How large its disk was made; as the image's when left out. */
  readonly diskGigabytes?: number;
}

export async function checkSystem(
  report: Report,
  { machine, guest, diskGigabytes }: Box,
): Promise<void> {
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
  const grown = Number(guest.do("findmnt -bno SIZE /var")) / 1e9;
  report.figure("/var", `${grown.toFixed(1)} GB`);
  if (diskGigabytes !== undefined)
    report.check("/var has grown to the end of the disk", grown > (diskGigabytes - 2) * 1.03);
  report.check("the journal is kept", guest.do("ls /var/log/journal").trim().length === 32);
  report.check("there is no apt source", guest.do("ls -A /etc/apt 2>/dev/null").trim() === "");
  const rules = guest.do("nft list chain inet nemean input");
  report.check("the firewall drops what it does not know", rules.includes("policy drop"));
  const listening = guest.do("ss -Hltnu | awk '{print $1, $5}'").trim().split("\n").join("; ");
  report.figure("listening", listening);
}

const isLargest = ({ current, max }: TapPort["ring"]): boolean => max > 0 && current === max;

export function checkTap(report: Report, guest: Guest): void {
  const port = tapPort(guest);
  report.check("the tap listens to all frames", port.promiscuous);
  report.check("the receive ring is as large as it may be", isLargest(port.ring));
  // This driver has it so from the start: made smaller, udev has to put it right.
  guest.do("ethtool -G tap0 rx 64");
  const smaller = tapPort(guest).ring;
  guest.do("udevadm trigger --action=add /sys/class/net/tap0; udevadm settle");
  const { ring } = tapPort(guest);
  report.figure("receive ring", `${smaller.current}, then ${ring.current} of ${ring.max}`);
  report.check("udev makes it so", !isLargest(smaller) && isLargest(ring));
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
    "nemean-collector@routers.service",
    "nemean-control.service",
    "nemean-detector@vportscan.service",
    "nemean-detectors.service",
    "nemean-exporter@ipfix.service",
  ];
  report.check(
    "control, capture, collector, exporter, detectors and one detector by itself run",
    // A look at their health may be under way beside them.
    expected.every((unit) => units.includes(unit)),
    units.join(" "),
  );
}

/** What doctor should say of what the tap is given, as a word of its answer; undefined where all is well. */
const CASES: readonly (readonly [string, Uint8Array[], string | undefined])[] = [
  ["that nothing arrives", [], "nothing arrived"],
  ["one direction only", talk(20, { isOneSided: true }), "one direction only"],
  ["directions in different VLANs", talk(20, { vlans: [10, 11] }), "vlanInKey"],
  ["nothing wrong with the tap", talk(20, { vlans: [10, 10] }), undefined],
];

export async function checkDoctor(report: Report, { guest, cable }: Box): Promise<void> {
  const doctor = "nemean doctor -I tap0 --seconds 4 --data /var/lib/nemean";
  for (const [what, frames, word] of CASES) {
    const said = await guest.during(doctor, () => cable.send(frames));
    const bad = said.split("\n").filter((line) => line.startsWith("BAD"));
    const isRight =
      said.includes("tap0: Nemean runs") &&
      (word === undefined ? bad.length === 0 : bad.length === 1 && bad[0]!.includes(word));
    report.check(`nemean doctor finds ${what}`, isRight, bad.join("; ") || said);
  }
  guest.do("ethtool -K tap0 gro on");
  const merging = guest.do(`${doctor} --seconds 0`);
  report.check("nemean doctor finds packets that are merged", merging.includes("gro off"), merging);
  guest.do("ethtool -K tap0 gro off");
}

const UNITS = ["nemean-control", "nemean-detectors", "nemean-capture@tap0"] as const;

/** Control has seen each of the others come up, which takes a while where others are busy. */
export async function checkNotify(report: Report, { machine, guest }: Box): Promise<void> {
  for (const unit of UNITS) {
    const wanted = ["Type=notify", "SubState=running", "WatchdogUSec=10s"];
    const state = (): string =>
      guest.do(`systemctl show -p Type -p SubState -p WatchdogUSec ${unit}`).trim();
    await until(
      machine,
      `${unit} that is ready`,
      () => wanted.every((line) => state().split("\n").includes(line)) || undefined,
    );
    report.check(`${unit} has said that it is ready, and is watched`, true);
  }
}

/** Lines in the journal carry whose they are and how grave, in fields of their own. */
export function checkJournal(report: Report, guest: Guest): void {
  // Quiet ones have nothing to say yet; they get the same fields.
  for (const unit of UNITS) {
    const [, role, instance] = /^nemean-(\w+)@?(.*)$/.exec(unit)!;
    const fields = guest.do(`systemctl show -P SyslogIdentifier -P LogExtraFields ${unit}`);
    const wanted = [unit, `NEMEAN_ROLE=${role}`, `NEMEAN_INSTANCE=${instance}`];
    report.check(
      `${unit} speaks to the journal by its name`,
      wanted.every((word) => fields.includes(word)),
      fields,
    );
  }
  const said = guest.do("journalctl -b -o json NEMEAN_ROLE=control");
  const entries = said
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line || "{}"));
  report.figure("an entry of the journal", shown(entries[0]));
  report.check(
    "control's lines have unit, name, role and priority",
    entries.every(
      (entry) =>
        entry._SYSTEMD_UNIT === "nemean-control.service" &&
        entry.SYSLOG_IDENTIFIER === "nemean-control" &&
        /^[0-7]$/.test(entry.PRIORITY),
    ),
    said.slice(-1000),
  );
}

const FIELDS = ["SYSLOG_IDENTIFIER", "NEMEAN_ROLE", "_SYSTEMD_UNIT", "_UID", "PRIORITY", "MESSAGE"];
const shown = (entry: Record<string, unknown>): string =>
  FIELDS.map((field) => `${field}=${entry[field]}`).join(" ");

/** A collector of flow records runs in its cage, and the firewall lets its exporters in. */
export async function checkCollector(report: Report, { machine, guest }: Box): Promise<void> {
  const unit = "nemean-collector@routers.service";
  const setUp = [
    "mkdir -p /etc/nftables.d",
    "echo 'add rule inet nemean input udp dport 4739 accept' >/etc/nftables.d/collector.nft",
    "systemctl reload nftables",
  ];
  guest.do(setUp.join(" && "));
  const listening = await until(machine, "a collector that listens", () => {
    const now = guest.do("ss -Hlnu 'sport = :4739'").trim();
    return now === "" ? undefined : now;
  });
  report.check("a collector listens for flow records", listening.includes("0.0.0.0:4739"));
  const found = processes(guest).find((each) => each.unit === unit);
  report.check(
    `${unit}: no capability, no new privileges, seccomp`,
    found?.capEff === NO_CAPABILITY && found.uid !== 0 && found.noNewPrivs && found.seccomp,
    JSON.stringify(found),
  );
  const rules = guest.do("nft list chain inet nemean input");
  report.check("the firewall lets them in", rules.includes("udp dport 4739 accept"));
  guest.do("rm /etc/nftables.d/collector.nft; systemctl reload nftables");
}

/** What is wrong is on the screen, and goes from it. */
export async function checkHealth(report: Report, { machine, guest }: Box): Promise<void> {
  const screen = "/run/issue.d/nemean-health.issue";
  const look = (wanted: boolean): Promise<string> =>
    until(machine, `a screen that shows ${wanted ? "what is" : "nothing"} wrong`, () => {
      const state = guest.do(
        `systemctl start nemean-health.service; systemctl is-failed nemean-health.service; cat ${screen}`,
      );
      const isWrong = state.startsWith("failed") && state.includes("tap0 is down");
      // Another look at its health, begun by its timer, may be under way.
      const isWell = state.trim() === "inactive";
      return (wanted ? isWrong : isWell) ? state : undefined;
    });
  guest.do("ip link set tap0 down");
  await look(true);
  report.check("the screen says that the tap is down, and the health unit fails", true);
  guest.do("ip link set tap0 up");
  await look(false);
  report.check("both are mended with it", true);
}

/** What the product's user may ask of systemd, and what not. */
export function checkPolkit(report: Report, guest: Guest): void {
  const ask = (request: string): string =>
    guest.do(`runuser -u nemean -- systemctl --no-ask-password ${request} 2>&1; echo $?`).trim();
  const denied = ask("stop nftables.service");
  report.check("control may not stop what is not Nemean's", /enied|required/.test(denied), denied);
  const allowed = ask("kill --signal=CONT nemean-detectors.service");
  report.check("control may end what is", allowed === "0", allowed);
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
