// SPDX-License-Identifier: BSD-3-Clause
import { type Command, Option } from "commander";
import { PcapSource } from "../../collectors/pcap.ts";
import { EXIT, usageError } from "../../core/errors.ts";
import type { MeterStats } from "../../core/flow/meter.ts";
import { CsvFile } from "../csv-file.ts";
import { meterWith, pluginList } from "../plugins.ts";
import { drive, StopSignal } from "./drive.ts";
import { type LiveTotal, meterInWorkers, meterLive } from "./meter-live.ts";
import {
  type CaptureFlags,
  captureOptions,
  list,
  type MeterFlags,
  meterOptions,
  meterOptionsOf,
  oneStandardOutput,
  type PluginFlags,
  pluginOption,
  pluginsOf,
  type Status,
} from "./options.ts";
import { checkSending, type SendingFlags, sendingOf, sendingOptions } from "./sending.ts";
import { grouped, Progress, print, say, sayFailure } from "./terminal.ts";

interface Flags extends MeterFlags, CaptureFlags, PluginFlags, SendingFlags {
  readonly read?: string[];
  readonly interface?: string;
  readonly csv?: string;
  readonly stats?: "json";
  readonly compat?: "ipfixprobe";
  readonly listPlugins?: true;
}

/** `nemean meter`: packets in, flows out. */
export function meterCommand(program: Command, status: Status): Command {
  const command = program
    .command("meter")
    .description("Meter flows of capture files (-r) or of an interface (-I).")
    .option(
      "-r, --read <file>",
      "capture file, compressed or not; - is standard input; may be repeated",
      list,
    )
    .option("-I, --interface <name>", "capture from this interface until a signal")
    .option("--csv <file>", "write flows as UniRec text; - is standard output")
    .addOption(
      new Option("--stats <format>", "print what was counted on standard output").choices(["json"]),
    );
  sendingOptions(command)
    .addOption(
      new Option(
        "--compat <original>",
        "flows end and split as the original's plugins have them, and only those with something found are sent",
      ).choices(["ipfixprobe"]),
    )
    .option("--list-plugins", "list what -p can find, and end");
  return pluginOption(captureOptions(meterOptions(command))).action(async (flags: Flags) => {
    status.code = await meter(flags);
  });
}

async function meter(flags: Flags): Promise<number> {
  if (flags.listPlugins) {
    print(pluginList());
    return EXIT.ok;
  }
  if (flags.compat && !flags.plugins?.length)
    throw usageError("meter: --compat ipfixprobe needs the plugins that are meant, as -p dns");
  if ((flags.read === undefined) === (flags.interface === undefined))
    throw usageError("meter: give either -r FILE or -I INTERFACE");
  oneStandardOutput({ "--csv -": flags.csv === "-", "--stats": flags.stats !== undefined });
  const groups = flags.plugins?.length ?? 1;
  if (groups > 1 && flags.csv !== undefined)
    throw usageError(
      `meter: --csv writes one layout, and -p has ${groups}: leave the parentheses out`,
    );
  checkSending(flags);
  if (flags.read && flags.ipfix === undefined && (flags.ifc === undefined || flags.ifc === "b:"))
    return meterFiles(flags, flags.read);
  const began = performance.now();
  const rssBefore = process.memoryUsage.rss();
  const total = ({ meter, ...more }: LiveTotal): void =>
    tell(flags, meter, {
      seconds: (performance.now() - began) / 1000,
      rssBefore,
      rss: process.memoryUsage.rss(),
      ...more,
    });
  if (!flags.read) return await meterLive({ ...flags, interface: flags.interface! }, total);
  const { filter } = flags;
  const source = {
    kind: "files",
    paths: flags.read,
    ...(filter === undefined ? {} : { filter }),
  } as const;
  const plan = {
    source,
    meter: meterOptionsOf(flags),
    ...pluginsOf(flags, flags.compat !== undefined),
    ...(flags.csv === undefined ? {} : { flows: flags.csv }),
    ...sendingOf(flags),
  };
  return await meterInWorkers(plan, { tell: total, onReady: () => {} });
}

async function meterFiles(flags: Flags, paths: readonly string[]): Promise<number> {
  const signal = new StopSignal();
  const rssBefore = process.memoryUsage.rss();
  using source = new PcapSource(paths, {
    ...(flags.filter === undefined ? {} : { filter: flags.filter }),
    onWarning: (message) => say(`warning: ${message}`),
  });
  const began = performance.now();
  const { plugins } = pluginsOf(flags, flags.compat !== undefined);
  const { meter, flows } = meterWith(meterOptionsOf(flags), plugins);
  const csv = flags.csv === undefined ? undefined : new CsvFile(flags.csv, flows[0]!.template);
  if (csv) flows[0]!.link(csv);
  const progress = new Progress();
  await drive(
    () => source.step(meter.frames),
    signal,
    () => progress.update(source.progress, `${grouped(meter.stats().packets)} packets`),
  );
  const rssPeak = process.memoryUsage.rss();
  meter.end();
  csv?.close();
  progress.clear();
  const seconds = (performance.now() - began) / 1000;
  tell(flags, meter.stats(), {
    seconds,
    rssBefore,
    rss: Math.max(rssPeak, process.memoryUsage.rss()),
  });
  return source.failure === undefined ? EXIT.ok : sayFailure(source.failure);
}

function tell(
  flags: Flags,
  stats: MeterStats,
  more: { seconds: number; rssBefore: number; rss: number },
): void {
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  if (flags.stats === "json") {
    print(`${JSON.stringify({ ...stats, ...more, cpuSeconds })}\n`);
    return;
  }
  const ignored = stats.ignored.nonIp + stats.ignored.malformed + stats.ignored.unknownLink;
  say(
    `${grouped(stats.packets)} packets, ${grouped(ignored)} of them not in flows (${grouped(stats.ignored.nonIp)} not IP, ` +
      `${grouped(stats.ignored.malformed)} malformed, ${grouped(stats.ignored.unknownLink)} of an unknown link type); ` +
      `${grouped(stats.flows)} flows${stats.evicted > 0 ? `, ${grouped(stats.evicted)} evicted at --max-flows` : ""}; ` +
      `${more.seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} CPU s`,
  );
}
