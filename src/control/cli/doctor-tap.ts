// SPDX-License-Identifier: BSD-3-Clause
import type {
  InterfaceReport,
  InterfaceSummary,
  MissingInterface,
} from "../../collectors/live/interfaces.ts";
import { bad, type Finding, note, ok } from "./finding.ts";
import { grouped } from "./terminal.ts";

/** Counters of frames that a card or its driver lost before any program could see them. */
const LOST = ["rx_dropped", "rx_missed_errors", "rx_fifo_errors", "rx_over_errors"] as const;

/** What would spoil a capture on this interface. `others` are the ones there are. */
export function tapFindings(
  report: InterfaceReport | MissingInterface,
  others: readonly InterfaceSummary[],
): Finding[] {
  const { name } = report;
  if (!report.exists) {
    const names = others.map((each) => each.name).join(", ");
    return [bad("interface", `${name}: no such interface`, `there are ${names}`)];
  }
  return [...link(report), ...offloads(report), ...ring(report), ...losses(report)];
}

function link({ name, up, carrier, loopback, speed, promiscuous }: InterfaceReport): Finding[] {
  const found: Finding[] = [];
  if (!up) found.push(bad("link", `${name} is down`, `ip link set ${name} up`));
  else if (!carrier && !loopback)
    found.push(bad("link", `${name} has no signal`, "look at the cable and at the mirror port"));
  else found.push(ok("link", `${name} is up${speed === undefined ? "" : `, ${speed} Mb/s`}`));
  // Capture asks for it by itself, so its absence now is no fault.
  const mode = promiscuous ? "is promiscuous" : "becomes promiscuous when a capture starts";
  found.push(ok("promiscuous", `${name} ${mode}`));
  return found;
}

function offloads({ name, gro, lro, groHardware, gso, tso }: InterfaceReport): Finding[] {
  const merging = Object.entries({ gro, lro, "rx-gro-hw": groHardware });
  const found = merging
    .filter(([, on]) => on === true)
    .map(([feature]) =>
      bad(
        feature,
        `${name}: ${feature} merges packets before they are counted`,
        `ethtool -K ${name} ${feature} off`,
      ),
    );
  if (gro === undefined)
    found.push(
      note(
        "gro",
        `${name}: the driver does not say whether it merges packets`,
        `ethtool -k ${name}`,
      ),
    );
  else if (found.length === 0) found.push(ok("gro", `${name} merges no packets`));
  if (gso === true || tso === true)
    found.push(
      note(
        "tso",
        `${name}: packets this machine sends itself are seen before they are cut`,
        `on a tap it does not matter; otherwise ethtool -K ${name} tso off gso off`,
      ),
    );
  return found;
}

function ring({ name, rxRing }: InterfaceReport): Finding[] {
  if (!rxRing) return [];
  const { current, max } = rxRing;
  if (current >= max) return [ok("ring", `${name}: receive ring ${current}, all there is`)];
  const cure = `ethtool -G ${name} rx ${max}`;
  return [note("ring", `${name}: receive ring ${current} of ${max}, bursts may be lost`, cure)];
}

function losses({ name, statistics }: InterfaceReport): Finding[] {
  const lost = LOST.filter((counter) => (statistics[counter] ?? 0) > 0);
  if (lost.length === 0) return [ok("losses", `${name} has lost no frame since it came up`)];
  const list = lost.map((counter) => `${grouped(statistics[counter]!)} ${counter}`).join(", ");
  const cure = "if the numbers grow during a capture, enlarge the ring or share the load";
  return [note("losses", `${name} has lost frames: ${list}`, cure)];
}
