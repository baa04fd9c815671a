// SPDX-License-Identifier: BSD-3-Clause
import { type Command, InvalidArgumentError, Option } from "commander";
import { usageError } from "../../core/errors.ts";
import { LIVE_DEFAULTS, METER_DEFAULTS, type MeterOptions } from "../../core/flow/meter.ts";
import type { LivePlan } from "../appliance.ts";
import { type PluginGroups, type PluginPlan, parsePlugins } from "../plugins.ts";

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly unit: string;
  readonly whole?: boolean;
}

/** A parser of a number within bounds; commander puts the option's name in front of the message. */
export const numberIn =
  ({ min, max, unit, whole = false }: Bounds) =>
  (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (
      !Number.isFinite(value) ||
      value < min ||
      value > max ||
      (whole && !Number.isInteger(value))
    )
      throw new InvalidArgumentError(`Expected ${unit} from ${min} to ${max}.`);
    return value;
  };

export const list = (value: string, former: string[] = []): string[] => [...former, value];

/** A comma-separated list of names. */
export const names = (value: string): string[] =>
  value
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

const seconds = numberIn({ min: 1, max: 2000, unit: "seconds" });

/** The options of the Metering Process, alike in every command that has one. */
export function meterOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--active <seconds>", "export a flow that goes on after this long")
        .argParser(seconds)
        .default(METER_DEFAULTS.active),
    )
    .addOption(
      new Option("--idle <seconds>", "a flow without packets for this long has ended")
        .argParser(seconds)
        .default(METER_DEFAULTS.idle),
    )
    .addOption(
      new Option(
        "--linger <seconds>",
        "export a TCP connection that ended after this long, not after --idle; 5 in live capture",
      ).argParser(numberIn({ min: 0, max: 2000, unit: "seconds" })),
    )
    .addOption(
      new Option(
        "--brief <seconds>",
        "export a flow of one packet, or of TCP SYNs without answer, this long after its first; 0 for never; 5 in live capture",
      ).argParser(numberIn({ min: 0, max: 2000, unit: "seconds" })),
    )
    .addOption(
      new Option("--max-flows <count>", "most flows at once")
        .argParser(numberIn({ min: 16, max: 1 << 24, unit: "a whole number", whole: true }))
        .default(METER_DEFAULTS.flowsMax),
    )
    .addOption(
      new Option("--key <key>", "flow key")
        .choices(["5tuple+vlan", "5tuple"])
        .default("5tuple+vlan"),
    )
    .addOption(
      new Option("--link-bit <bit>", "bit of LINK_BIT_FIELD that is set").argParser(
        numberIn({ min: 0, max: 63, unit: "a whole number", whole: true }),
      ),
    )
    .option("--no-tunnels", "take the outer header of a tunnel as the key")
    .option("--filter <bpf>", "only packets that this libpcap filter matches");
}

/** What else to find in flows, for commands that write or send them. */
export const pluginOption = (command: Command): Command =>
  command.addOption(
    new Option(
      "-p, --plugins <names>",
      "what else to find in flows: dns,tls,...; all, none; default for what is cheap; (dns,http),tls for two outputs",
    ).argParser(parsePlugins),
  );

export interface MeterFlags {
  readonly active: number;
  readonly idle: number;
  readonly linger?: number;
  readonly brief?: number;
  readonly maxFlows: number;
  readonly key: "5tuple+vlan" | "5tuple";
  readonly linkBit?: number;
  readonly tunnels: boolean;
  readonly filter?: string;
}

export interface PluginFlags {
  readonly plugins?: PluginGroups;
}

/** The plugins of these flags, as part of a plan. */
export const pluginsOf = (
  { plugins }: PluginFlags,
  compat = false,
): { readonly plugins?: PluginPlan } =>
  plugins === undefined || plugins.length === 0 ? {} : { plugins: { groups: plugins, compat } };

export const meterOptionsOf = (flags: MeterFlags): MeterOptions => ({
  active: flags.active,
  idle: flags.idle,
  flowsMax: flags.maxFlows,
  vlanInKey: flags.key === "5tuple+vlan",
  tunnels: flags.tunnels,
  ...(flags.linger === undefined ? {} : { linger: flags.linger }),
  ...(flags.brief === undefined ? {} : { brief: flags.brief }),
  ...(flags.linkBit === undefined ? {} : { link: flags.linkBit }),
});

/** Options of live capture. */
export function captureOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--workers <count>", "capture Workers the kernel spreads flows over")
        .argParser(numberIn({ min: 1, max: 64, unit: "a whole number", whole: true }))
        .default(1),
    )
    .addOption(
      new Option("--ring <megabytes>", "capture ring of each Worker")
        .argParser(numberIn({ min: 1, max: 2048, unit: "megabytes", whole: true }))
        .default(64),
    )
    .addOption(
      new Option("--backend <backend>", "how packets are captured")
        .choices(["auto", "ring", "libpcap"])
        .default("auto"),
    );
}

export interface CaptureFlags {
  readonly workers: number;
  readonly ring: number;
  readonly backend: "auto" | "ring" | "libpcap";
}

/** Capture from an interface as these flags say. */
export const livePlanOf = (
  flags: MeterFlags & CaptureFlags & { readonly interface: string },
): LivePlan => ({
  kind: "live",
  workers: flags.workers,
  capture: {
    interface: flags.interface,
    ringBytes: flags.ring << 20,
    backend: flags.backend,
    meter: { ...LIVE_DEFAULTS, ...meterOptionsOf(flags) },
    ...(flags.filter === undefined ? {} : { filter: flags.filter }),
  },
});

/** Two outputs to standard output would mix: an error that names both. */
export function oneStandardOutput(uses: Readonly<Record<string, boolean>>): void {
  const used = Object.keys(uses).filter((name) => uses[name]);
  if (used.length > 1)
    throw usageError(
      `${used.join(" and ")} both write to standard output: give one of them a file`,
    );
}

/** Exit code and other things a command leaves behind. */
export interface Status {
  code: number;
}
