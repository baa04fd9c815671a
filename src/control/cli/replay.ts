// SPDX-License-Identifier: BSD-3-Clause
import { type Command, Option } from "commander";
import type { Alert } from "../../core/alert.ts";
import { EXIT, usageError } from "../../core/errors.ts";
import { modulesNamed } from "../modules.ts";
import { parseSettings } from "../params.ts";
import { PipelineRun } from "../pipeline-run.ts";
import { parsePlugins } from "../plugins.ts";
import type { Snapshot } from "../snapshot.ts";
import { drive, StopSignal } from "./drive.ts";
import {
  list,
  type MeterFlags,
  meterOptions,
  meterOptionsOf,
  names,
  numberIn,
  oneStandardOutput,
  type PluginFlags,
  pluginOption,
  pluginsOf,
  type Status,
} from "./options.ts";
import {
  alertLine,
  grouped,
  Progress,
  printAlert,
  say,
  sayColored,
  sayFailure,
} from "./terminal.ts";

interface Flags extends MeterFlags, PluginFlags {
  readonly modules?: string[];
  readonly set?: string[];
  readonly json?: boolean;
  readonly flows?: string;
  readonly loop: number;
  readonly compat?: "nemea";
}

/** `nemean replay`: the whole pipeline on capture files, alerts on the terminal. */
export function replayCommand(program: Command, status: Status): Command {
  const command = program
    .command("replay")
    .description("Run capture files through meter and detectors; alerts go to standard output.")
    .argument("<file...>", "capture files, compressed or not; - is standard input")
    .option("--modules <names>", "detectors to run, by commas; all when left out", names)
    .option("--set <module.param=value>", "set a module's parameter; may be repeated", list)
    .option("--json", "alerts as JSON Lines, also on a terminal")
    .option("--flows <file>", "write all flows as UniRec text, with the fields of -p (default)")
    .addOption(
      new Option("--loop <rounds>", "read the files so often")
        .argParser(numberIn({ min: 1, max: 1_000_000, unit: "a whole number", whole: true }))
        .default(1),
    )
    .addOption(
      new Option("--compat <original>", "detectors behave exactly as the originals").choices([
        "nemea",
      ]),
    );
  return pluginOption(meterOptions(command)).action(async (paths: string[], flags: Flags) => {
    status.code = await replay(paths, flags);
  });
}

async function replay(paths: readonly string[], flags: Flags): Promise<number> {
  oneStandardOutput({ "--flows -": flags.flows === "-", alerts: true });
  const signal = new StopSignal();
  if ((flags.plugins?.length ?? 1) > 1)
    throw usageError(
      "replay: detectors read one output with all fields: leave the parentheses of -p out",
    );
  // Who looks at flows wants to see what travels in them.
  const plugins =
    flags.plugins ?? (flags.flows === undefined ? parsePlugins("none") : parsePlugins("default"));
  const defs = await modulesNamed(flags.modules);
  const settings = parseSettings(flags.set ?? [], defs);
  const json = flags.json === true || process.stdout.isTTY !== true;
  const events = new Map<string, Alert>();
  const progress = new Progress();
  const run = await PipelineRun.open(
    {
      source: {
        kind: "files",
        paths,
        loop: flags.loop,
        ...(flags.filter === undefined ? {} : { filter: flags.filter }),
      },
      meter: meterOptionsOf(flags),
      modules: defs.map((def) => ({
        name: def.name,
        params: {
          ...(flags.compat && "compat" in def.params ? { compat: flags.compat } : {}),
          ...settings.get(def.name),
        },
      })),
      sensor: "nemean",
      ...pluginsOf({ plugins }),
      ...(flags.flows === undefined ? {} : { flows: flags.flows }),
    },
    {
      onAlert: (alert) => {
        progress.clear();
        remember(events, alert);
        printAlert(alert, json);
      },
      onWarning: (message) => {
        progress.clear();
        say(`warning: ${message}`);
      },
    },
  );
  await drive(
    () => run.step(),
    signal,
    () =>
      progress.update(
        run.progress,
        `${grouped(run.snapshot().sources[0]?.meter.packets ?? 0)} packets, ${events.size} events`,
      ),
  );
  run.finish();
  progress.clear();
  const { user, system } = process.cpuUsage();
  summary(run.snapshot(), [...events.values()], (user + system) / 1e6);
  return run.failure ? sayFailure(run.failure) : EXIT.ok;
}

/** Events shown at the end; a replay with more shows the last ones. */
const EVENTS_SHOWN = 1000;

function remember(events: Map<string, Alert>, alert: Alert): void {
  events.delete(alert.id);
  events.set(alert.id, alert);
  if (events.size > EVENTS_SHOWN) events.delete(events.keys().next().value!);
}

/** What came of it, on standard error; `cpu` is what it took, in seconds, where that is known. */
export function summary(
  { sources, modules, uptime }: Snapshot,
  events: readonly Alert[],
  cpu?: number,
): void {
  const color = process.stderr.isTTY === true;
  for (const { name, meter, collector } of sources) {
    if (collector)
      say(`${name}: ${grouped(collector["records"] ?? 0)} flows of exporters in it were decoded`);
    say(
      `${name}: ${grouped(meter.packets)} packets, ${grouped(meter.flows)} flows in ${uptime.toFixed(2)} s ` +
        `(${grouped(meter.flows / uptime)} flows/s, ${grouped(meter.packets / uptime)} packets/s${cpu === undefined ? "" : `, ${cpu.toFixed(2)} CPU s`})`,
    );
  }
  for (const { name, inputs } of modules)
    say(`${name}: ${grouped(Object.values(inputs).reduce((sum, n) => sum + n, 0))} flow records`);
  say(`${events.length} event${events.length === 1 ? "" : "s"}${events.length > 0 ? ":" : ""}`);
  for (const event of events) sayColored(`  ${alertLine(event, color)}`);
}
