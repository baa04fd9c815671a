// SPDX-License-Identifier: BSD-3-Clause
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { Appliance } from "../appliance.ts";
import { modulesNamed } from "../modules.ts";
import { parseSettings } from "../params.ts";
import { AlertStore } from "../store/alert-store.ts";
import { startApi } from "./api.ts";
import { captureLine } from "./capture-line.ts";
import { StopSignal } from "./drive.ts";
import {
  type CaptureFlags,
  captureOptions,
  list,
  livePlanOf,
  type MeterFlags,
  meterOptions,
  names,
  numberIn,
  type PluginFlags,
  pluginOption,
  pluginsOf,
  type Status,
} from "./options.ts";
import { checkSending, sendingOf, sendingOptions } from "./sending.ts";
import { grouped, printAlert, say, sayFailure } from "./terminal.ts";

interface Flags extends MeterFlags, CaptureFlags, PluginFlags {
  readonly interface: string;
  readonly data: string;
  readonly port: number;
  readonly modules?: string[];
  readonly set?: string[];
  readonly json?: boolean;
  readonly ifc?: string;
  readonly ipfix?: string;
}

/** Seconds after which a TCP connection that ended is exported, so that its alert comes in time. */
const LINGER = 5;

/** `nemean up`: the whole appliance on an interface, with built-in defaults. */
export function upCommand(program: Command, status: Status): Command {
  const command = program
    .command("up")
    .description(
      "Capture from an interface, detect, store alerts and serve the API, until a signal.",
    )
    .requiredOption("-I, --interface <name>", "interface of the tap")
    .option(
      "--data <folder>",
      "where alerts and states are kept",
      process.env["STATE_DIRECTORY"] ?? "nemean-data",
    )
    .addOption(
      new Option("--port <port>", "port of the API on 127.0.0.1; 0 takes a free one")
        .argParser(numberIn({ min: 0, max: 65_535, unit: "a port", whole: true }))
        .default(8080),
    )
    .option("--modules <names>", "detectors to run, by commas; all when left out", names)
    .option("--set <module.param=value>", "set a module's parameter; may be repeated", list)
    .option("--json", "alerts as JSON Lines, also on a terminal");
  const sending = pluginOption(sendingOptions(command));
  return captureOptions(meterOptions(sending)).action(async (flags: Flags) => {
    status.code = await up(flags);
  });
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw new NemeanError("ERR_STORE", EXIT.cannotCreate, `--data ${path}: ${messageOf(error)}`);
  }
}

async function up(flags: Flags): Promise<number> {
  checkSending(flags);
  const signal = new StopSignal();
  const defs = await modulesNamed(flags.modules);
  const settings = parseSettings(flags.set ?? [], defs);
  makeFolder(flags.data);
  using store = new AlertStore(join(flags.data, "nemean.sqlite"));
  const json = flags.json === true || process.stdout.isTTY !== true;
  using appliance = new Appliance(
    {
      source: livePlanOf(flags, { linger: LINGER }),
      modules: defs.map(({ name }) => ({ name, params: settings.get(name) ?? {} })),
      sensor: "nemean",
      stateFolder: join(flags.data, "state"),
      ...pluginsOf(flags),
      ...sendingOf(flags),
    },
    {
      onAlert: (alert) => {
        store.put(alert);
        printAlert(alert, json);
      },
      onWarning: (message) => say(`warning: ${message}`),
    },
  );
  using api = startApi(store, appliance, flags.port);
  void signal.wait.then(() => appliance.stop());
  if (await appliance.ready)
    say(`capturing from ${flags.interface}; the API answers on ${api.url}`);
  const failure = await appliance.ended();
  store.flush();
  const { sources, alerts } = appliance.snapshot();
  for (const { name, capture, meter } of sources) {
    if (capture) say(captureLine(name, capture));
    say(`${name}: ${grouped(meter.packets)} packets, ${grouped(meter.flows)} flows`);
  }
  if (sources.length > 0) say(`${grouped(alerts)} alerts, updates included`);
  return failure ? sayFailure(failure) : EXIT.ok;
}
