// SPDX-License-Identifier: BSD-3-Clause
/** Where a command's flows go: TRAP interfaces, an IPFIX collector. @module */
import type { Command } from "commander";
import { usageError } from "../../core/errors.ts";
import { parseIpfix } from "../../core/ipfix/specifier.ts";
import { parseInterfaces } from "../../core/trap/specifier.ts";
import type { PluginGroups } from "../plugins.ts";
import type { FlowTargets } from "../trap-process.ts";

export interface SendingFlags {
  readonly ifc?: string;
  readonly ipfix?: string;
}

export const sendingOptions = (command: Command): Command =>
  command
    .option(
      "-i, --ifc <specifiers>",
      "TRAP outputs, divided by commas: u:flows,f:/data/flows (nemean run logger -h trap)",
    )
    .option(
      "--ipfix <collector>",
      "export flows as IPFIX: udp:HOST:PORT, tcp:HOST:PORT, tls:HOST:PORT:KEY:CERT:CA",
    );

/**
 * Whether the targets can be, and are as many as the plugins' groups want.
 * @throws {NemeanError} ERR_USAGE, ERR_TRAP
 */
export function checkSending({
  ifc,
  ipfix,
  plugins,
}: SendingFlags & { readonly plugins?: PluginGroups }): void {
  const outputs = ifc?.split(",").length ?? 0;
  if (ifc !== undefined) parseInterfaces(ifc, 0, outputs);
  if (ipfix !== undefined) parseIpfix(ipfix);
  const groups = plugins?.length ?? 1;
  if (groups > 1 && outputs !== groups && !(outputs === 0 && ipfix !== undefined))
    throw usageError(`-p has ${groups} groups and -i ${outputs} outputs: give one for each`);
}

/** The targets, as part of a plan. */
export const sendingOf = ({ ifc, ipfix }: SendingFlags): FlowTargets => ({
  ...(ifc === undefined ? {} : { interfaces: ifc }),
  ...(ipfix === undefined ? {} : { ipfix }),
});
