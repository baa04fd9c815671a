// SPDX-License-Identifier: BSD-3-Clause
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { GeneratorSource } from "../../collectors/generator.ts";
import type { Alert } from "../../core/alert.ts";
import { EXIT } from "../../core/errors.ts";
import { METER_DEFAULTS } from "../../core/flow/meter.ts";
import { Control } from "../control.ts";
import { moduleEntry, modulesNamed } from "../modules.ts";
import { parseSettings } from "../params.ts";
import { truthLines } from "./demo-truth.ts";
import { StopSignal } from "./drive.ts";
import { list, names, numberIn, type Status } from "./options.ts";
import { summary } from "./replay.ts";
import { alertLine, print, say, sayFailure } from "./terminal.ts";

interface Flags {
  readonly seed: number;
  readonly scale: number;
  readonly once?: boolean;
  readonly port: number;
  readonly modules?: string[];
  readonly set?: string[];
}

/** `nemean demo`: generated traffic with attacks inside, through the whole product. */
export function demoCommand(program: Command, status: Status): Command {
  return program
    .command("demo")
    .description(
      "Show the whole product at work on generated traffic, with ten kinds of attack inside.",
    )
    .addOption(
      new Option("--seed <number>", "which traffic is generated")
        .argParser(numberIn({ min: 0, max: 2 ** 31, unit: "a whole number", whole: true }))
        .default(1),
    )
    .addOption(
      new Option("--scale <factor>", "how much normal traffic")
        .argParser(numberIn({ min: 0.01, max: 1000, unit: "a number" }))
        .default(1),
    )
    .option("--once", "replay two minutes of traffic at once and say what was found in it")
    .addOption(
      new Option("--port <port>", "port of the API on 127.0.0.1; 0 takes a free one")
        .argParser(numberIn({ min: 0, max: 65_535, unit: "a port", whole: true }))
        .default(8080),
    )
    .option("--modules <names>", "detectors to run, by commas; all when left out", names)
    .option("--set <module.param=value>", "set a module's parameter; may be repeated", list)
    .action(async (flags: Flags) => {
      status.code = await demo(flags);
    });
}

async function demo(flags: Flags): Promise<number> {
  const signal = new StopSignal();
  const defs = await modulesNamed(flags.modules);
  const settings = parseSettings(flags.set ?? [], defs);
  const traffic = { seed: flags.seed, scale: flags.scale, ...(flags.once ? {} : { live: true }) };
  const folder = mkdtempSync(join(tmpdir(), "nemean-demo-"));
  // Not a finally: a reader that goes away, or a second Ctrl-C, ends the process on the spot.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const events = new Map<string, Alert>();
  const color = process.stdout.isTTY === true;
  await using control = await Control.start({
    product: {
      sources: [
        {
          name: "demo",
          source: { kind: "generator", traffic },
          ...(flags.once ? {} : { meter: QUICK }),
        },
      ],
      idle: flags.once ? METER_DEFAULTS.idle : QUICK.idle,
      modules: defs.map((def) => moduleEntry(def, settings.get(def.name))),
      commands: [],
      links: [],
      sensor: "demo",
      memory: 1024,
    },
    data: folder,
    api: { host: "127.0.0.1", names: [], tls: false, port: flags.port },
    sinks: [],
    supervisor: "embedded",
    accounts: false,
    onAlert: (alert) => {
      if (flags.once) events.set(alert.id, alert);
      if (alert.update === 0) print(`${alertLine(alert, color)}\n`);
    },
    say,
  });
  const failure = await Promise.race([control.ready(), signal.wait]);
  if (failure) {
    await control.stop();
    return sayFailure(failure);
  }
  if (flags.once) {
    await Promise.race([control.finished(), signal.wait]);
    const alerts = [...events.values()];
    summary(control.snapshot(), alerts);
    say("What was hidden in the traffic, and who found it:");
    for (const line of truthLines(new GeneratorSource(traffic).truth.attacks, alerts))
      say(`  ${line}`);
  } else {
    print(
      `The console is at ${control.url}console: generated traffic goes through the whole product, and the first attacks are found in some ten seconds. Ctrl-C ends.\n`,
    );
    await signal.wait;
  }
  await control.stop();
  return EXIT.ok;
}

/** Flows leave soon, so that what is found is seen soon. */
const QUICK = { idle: 5, linger: 1, brief: 2, active: 60 };
