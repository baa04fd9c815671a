// SPDX-License-Identifier: BSD-3-Clause
import type { Command } from "commander";
import { interfaceReport, listInterfaces } from "../../collectors/live/interfaces.ts";
import { EXIT } from "../../core/errors.ts";
import { printable } from "../../core/log.ts";
import { lookAtMachine, machineFindings } from "./doctor-machine.ts";
import { tapFindings } from "./doctor-tap.ts";
import { type Finding, findingLine, ok } from "./finding.ts";
import type { Status } from "./options.ts";
import { print } from "./terminal.ts";

interface Flags {
  readonly interface?: string;
  readonly data: string;
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
    .option("--json", "the findings as JSON")
    .action((flags: Flags) => {
      const findings = examine(flags);
      if (flags.json) print(`${JSON.stringify(findings, undefined, 2)}\n`);
      else for (const finding of findings) print(`${printable(findingLine(finding))}\n`);
      status.code = findings.some(({ level }) => level === "BAD") ? EXIT.unavailable : EXIT.ok;
    });
}

function examine({ interface: name, data }: Flags): Finding[] {
  const interfaces = listInterfaces();
  return [
    ...machineFindings(lookAtMachine(data), name !== undefined),
    ok("interfaces", `interfaces: ${interfaces.map((each) => each.name).join(", ")}`),
    ...(name === undefined ? [] : tapFindings(interfaceReport(name), interfaces)),
  ];
}
