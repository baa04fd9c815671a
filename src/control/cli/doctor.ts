// SPDX-License-Identifier: BSD-3-Clause
import { libpcapAvailable, libraryVersion } from "@bun/ffi-libpcap-bindings";
import type { Command } from "commander";
import { interfaceReport, listInterfaces } from "../../collectors/live/interfaces.ts";
import { EXIT } from "../../core/errors.ts";
import type { Status } from "./options.ts";
import { print } from "./terminal.ts";

/** `nemean doctor`: what stands in the way of a good capture, and the cure. */
export function doctorCommand(program: Command, status: Status): Command {
  return program
    .command("doctor")
    .description("Look at the machine and an interface: what would spoil a capture, and the cure.")
    .option("-I, --interface <name>", "interface of the tap")
    .action((flags: { interface?: string }) => {
      const findings = [
        ...machine(),
        ...(flags.interface === undefined ? [] : tap(flags.interface)),
      ];
      for (const line of findings) print(`${line}\n`);
      status.code = findings.some((line) => line.startsWith("BAD")) ? EXIT.unavailable : EXIT.ok;
    });
}

function machine(): string[] {
  const pcap = libpcapAvailable()
    ? `ok    ${libraryVersion()}`
    : "BAD   libpcap is missing: apt-get install libpcap0.8";
  const names = listInterfaces().map(({ name }) => name);
  return [`ok    Bun ${Bun.version}`, pcap, `ok    interfaces: ${names.join(", ")}`];
}

function tap(name: string): string[] {
  const report = interfaceReport(name);
  if (!report.exists) return [`BAD   ${name}: no such interface`];
  const lines = [
    report.up ? `ok    ${name} is up` : `BAD   ${name} is down: ip link set ${name} up`,
  ];
  const offloads = { gro: report.gro, lro: report.lro, "rx-gro-hw": report.groHardware };
  for (const [feature, on] of Object.entries(offloads))
    if (on === true)
      lines.push(
        `BAD   ${name}: ${feature} merges packets, so counts are wrong: ethtool -K ${name} ${feature} off`,
      );
  const { rxRing } = report;
  if (rxRing && rxRing.current < rxRing.max)
    lines.push(
      `note  ${name}: receive ring ${rxRing.current} of ${rxRing.max}: ethtool -G ${name} rx ${rxRing.max}`,
    );
  return lines;
}
