// SPDX-License-Identifier: BSD-3-Clause
import { type Command, Option } from "commander";
import { interfaceReport, listInterfaces } from "../../collectors/live/interfaces.ts";
import { EXIT } from "../../core/errors.ts";
import { printable } from "../../core/log.ts";
import { lookAtMachine, machineFindings } from "./doctor-machine.ts";
import { tapFindings } from "./doctor-tap.ts";
import { captureFindings, lookAtTraffic, trafficFindings } from "./doctor-traffic.ts";
import { type Finding, findingLine, ok } from "./finding.ts";
import { get } from "./local-api.ts";
import { numberIn, type Status } from "./options.ts";
import { print } from "./terminal.ts";

interface Flags {
  readonly interface?: string;
  readonly data: string;
  readonly seconds: number;
  readonly json?: boolean;
}

/** `nemean doctor`: what stands in the way of a good capture, and the cure. */
export function doctorCommand(program: Command, status: Status): Command {
  return program
    .command("doctor")
    .description("Look at the machine and an interface: what would spoil a capture, and the cure.")
    .option("-I, --interface <name>", "interface of the tap")
    .option(
      "--data <folder>",
      "where alerts and states are to be kept",
      process.env["STATE_DIRECTORY"] ?? "nemean-data",
    )
    .addOption(
      new Option(
        "--seconds <seconds>",
        "how long to look at the traffic of the interface; 0 does not",
      )
        .argParser(numberIn({ min: 0, max: 600, unit: "seconds" }))
        .default(5),
    )
    .option("--json", "the findings as JSON")
    .action(async (flags: Flags) => {
      const findings = await examine(flags);
      if (flags.json) print(`${JSON.stringify(findings, undefined, 2)}\n`);
      else for (const finding of findings) print(`${printable(findingLine(finding))}\n`);
      status.code = findings.some(({ level }) => level === "BAD") ? EXIT.unavailable : EXIT.ok;
    });
}

async function examine({ interface: name, data, seconds }: Flags): Promise<Finding[]> {
  const interfaces = listInterfaces();
  const machine = lookAtMachine(data);
  const findings = [
    ...machineFindings(machine, name !== undefined),
    ok("interfaces", `interfaces: ${interfaces.map((each) => each.name).join(", ")}`),
  ];
  if (name === undefined) return findings;
  const report = interfaceReport(name);
  findings.push(...tapFindings(report, interfaces));
  // Where it is down or may not be looked at, that has been said.
  if (report.exists && report.up && machine.mayCapture && seconds > 0)
    findings.push(...trafficFindings(lookAtTraffic(name, seconds)));
  return [...findings, ...(await running(name, data))];
}

/** What the product that runs with this folder, if one does, has lost on the interface. */
async function running(name: string, data: string): Promise<Finding[]> {
  try {
    return captureFindings(name, (await get(data, "/api/v1/stats")).sources);
  } catch {
    return [];
  }
}
