// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { EXIT, messageOf, usageError } from "../../core/errors.ts";
import { productOf } from "../config/plan.ts";
import {
  type ApiConfig,
  type Config,
  parseConfig,
  readConfig,
  type SinkConfig,
} from "../config/read.ts";
import { Revisions } from "../config/revisions.ts";
import { Control } from "../control.ts";
import { makeFolder, storePath } from "../data-folder.ts";
import { moduleEntry, modulesNamed } from "../modules.ts";
import { parseSettings } from "../params.ts";
import type { Product } from "../supervise/layout.ts";
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
  readonly interface?: string;
  readonly config?: string;
  readonly data?: string;
  readonly port?: number;
  readonly modules?: string[];
  readonly set?: string[];
  readonly json?: boolean;
  readonly ifc?: string;
  readonly ipfix?: string;
  readonly supervisor: "embedded" | "systemd";
}

/** `nemean up`: the whole appliance on an interface, with built-in defaults. */
export function upCommand(program: Command, status: Status): Command {
  const command = program
    .command("up")
    .description(
      "Capture from an interface, detect, store alerts and serve the API, until a signal.",
    )
    .option("-I, --interface <name>", "interface of the tap, with built-in defaults for the rest")
    .option("--config <file>", "run what this file says, and keep it as a revision")
    .option("--data <folder>", "where alerts and states are kept (nemean-data)")
    .addOption(
      new Option("--port <port>", "port of the API (8080); 0 takes a free one").argParser(
        numberIn({ min: 0, max: 65_535, unit: "a port", whole: true }),
      ),
    )
    .option("--modules <names>", "detectors to run, by commas; all when left out", names)
    .option("--set <module.param=value>", "set a module's parameter; may be repeated", list)
    .option("--json", "alerts as JSON Lines, also on a terminal")
    .addOption(
      new Option(
        "--supervisor <kind>",
        "who starts the processes: this one, or systemd by its units",
      )
        .choices(["embedded", "systemd"])
        .default("embedded"),
    );
  const sending = pluginOption(sendingOptions(command));
  return captureOptions(meterOptions(sending)).action(async (flags: Flags) => {
    status.code = await up(flags);
  });
}

/** What is to run, from wherever it is said. */
interface Run {
  readonly product: Product;
  readonly data: string;
  readonly api: ApiConfig;
  readonly sinks: readonly SinkConfig[];
  readonly limits?: Config["limits"];
  /** The configuration that says so, where one does. */
  readonly config?: Config;
}

const DATA = process.env["STATE_DIRECTORY"] ?? "nemean-data";
const LOCAL: ApiConfig = { host: "127.0.0.1", names: [], tls: false, port: 8080 };
const MEMORY = 2048;

/** From options alone: an interface and built-in defaults. */
async function fromOptions(flags: Flags & { readonly interface: string }): Promise<Run> {
  checkSending(flags);
  const defs = await modulesNamed(flags.modules);
  const settings = parseSettings(flags.set ?? [], defs);
  return {
    data: flags.data ?? DATA,
    api: { ...LOCAL, port: flags.port ?? LOCAL.port },
    sinks: [],
    product: {
      sources: [{ name: flags.interface, source: livePlanOf(flags) }],
      idle: flags.idle,
      modules: defs.map((def) => moduleEntry(def, settings.get(def.name))),
      commands: [],
      links: [],
      sensor: "nemean",
      memory: MEMORY,
      ...pluginsOf(flags),
      ...sendingOf(flags),
    },
  };
}

/** From a configuration: a file, which becomes the revision in force, or the one that is. */
async function fromConfig(flags: Flags): Promise<Run> {
  const file = flags.config;
  const config = file === undefined ? await inForce(flags.data ?? DATA) : await readConfig(file);
  const data = flags.data ?? config.data;
  if (file !== undefined) {
    makeFolder(data);
    using revisions = new Revisions(storePath(data));
    revisions.apply(readFileSync(file, "utf8"), `up --config ${file}`);
  }
  return {
    data,
    api: { ...config.api, port: flags.port ?? config.api.port },
    sinks: config.sinks,
    limits: config.limits,
    product: productOf(config),
    config,
  };
}

async function inForce(data: string): Promise<Config> {
  makeFolder(data);
  using revisions = new Revisions(storePath(data));
  const newest = revisions.newest();
  if (!newest)
    throw usageError(
      "up: give -I INTERFACE, or --config FILE, or apply a configuration with nemean config apply FILE",
    );
  return await parseConfig(newest.body, `revision ${newest.id}`);
}

/** Read the file again and put it in force; what is wrong with it is said, and nothing changes then. */
async function reload(control: Control, file: string): Promise<void> {
  try {
    const reason = `reload of ${file}`;
    const { changes, restarted, pending } = await control.config.apply({
      body: readFileSync(file, "utf8"),
      reason,
    });
    for (const line of changes) say(`${reason}: ${line}`);
    say(`${reason}: started anew: ${restarted.join(", ") || "nothing"}`);
    for (const line of pending) say(`${reason}: waits for ${line}`);
  } catch (error) {
    sayFailure(error instanceof Error ? error : new Error(messageOf(error)));
  }
}

/** How the first admin comes to be, as long as there is none. */
function tellSetup({ auth, url }: Control): void {
  const setup = auth?.setup.begin();
  if (!setup) return;
  const token = setup.fresh ? `token ${setup.token}, also ` : "token ";
  say(
    `no admin yet: ${url}console#/setup makes one, or POST ${url}api/v1/setup, by the ${token}in ${setup.file}`,
  );
}

async function up(flags: Flags): Promise<number> {
  const signal = new StopSignal();
  const { interface: tap } = flags;
  if (tap !== undefined && flags.config !== undefined)
    throw usageError("up: give -I or --config: the file names the interface");
  const run = await (tap === undefined
    ? fromConfig(flags)
    : fromOptions({ ...flags, interface: tap }));
  const json = flags.json === true || process.stdout.isTTY !== true;
  await using control = await Control.start({
    ...run,
    file: flags.config,
    supervisor: flags.supervisor,
    onAlert: (alert) => printAlert(alert, json),
    say,
  });
  const { config: file } = flags;
  if (file !== undefined) process.on("SIGHUP", () => void reload(control, file));
  const unable = await Promise.race([control.ready(), signal.wait]);
  // Who named an interface by hand is told; what a configuration names may come later, and is mended over the API.
  const failure = run.config ? undefined : unable;
  if (unable && !failure) {
    say(`warning: ${unable.message}; it is tried again, and the API answers on ${control.url}`);
    tellSetup(control);
    await Promise.race([control.ready(true), signal.wait]);
  }
  if (!failure && !signal.stopped) {
    say(`${sourcesText(run.product)}; the API answers on ${control.url}`);
    if (!unable) tellSetup(control);
    await signal.wait;
  }
  await control.stop();
  const { sources, alerts } = control.snapshot();
  for (const { name, capture, meter } of sources) {
    if (capture) say(captureLine(name, capture));
    say(`${name}: ${grouped(meter.packets)} packets, ${grouped(meter.flows)} flows`);
  }
  if (sources.length > 0) say(`${grouped(alerts)} alerts, updates included`);
  return failure ? sayFailure(failure) : EXIT.ok;
}

/** What is looked at: `capturing from tap0, collecting for routers`. */
function sourcesText({ sources }: Product): string {
  const [taps, flows] = [false, true].map((collects) =>
    sources
      .filter(({ source }) => (source.kind === "collector") === collects)
      .map(({ name }) => name)
      .join(", "),
  );
  return [taps && `capturing from ${taps}`, flows && `collecting for ${flows}`]
    .filter((text) => text !== "")
    .join(", ");
}
