// SPDX-License-Identifier: BSD-3-Clause
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { GeneratorSource } from "../../collectors/generator.ts";
import type { Alert } from "../../core/alert.ts";
import { EXIT } from "../../core/errors.ts";
import type { Attack } from "../../core/traffic/truth.ts";
import { liveView } from "../api/alert-view.ts";
import { AlertStream } from "../api/stream.ts";
import { Appliance } from "../appliance.ts";
import { modulesNamed } from "../modules.ts";
import { parseSettings } from "../params.ts";
import { AlertStore } from "../store/alert-store.ts";
import { startApi } from "../api/start.ts";
import { StopSignal } from "./drive.ts";
import { list, names, numberIn, type Status } from "./options.ts";
import { summary } from "./replay.ts";
import { alertLine, grouped, print, say, sayFailure } from "./terminal.ts";

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
      "Replay generated traffic with two scans and a SYN flood inside, then leave the API running.",
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
    .option("--once", "end when the traffic has gone through")
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
  const traffic = { seed: flags.seed, scale: flags.scale };
  const folder = mkdtempSync(join(tmpdir(), "nemean-demo-"));
  // Not a finally: a reader that goes away, or a second Ctrl-C, ends the process on the spot.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const events = new Map<string, Alert>();
  const color = process.stdout.isTTY === true;
  using store = new AlertStore(join(folder, "nemean.sqlite"));
  const stream = new AlertStream();
  const appliance = new Appliance(
    {
      source: { kind: "generator", traffic },
      modules: defs.map(({ name }) => ({ name, params: settings.get(name) ?? {} })),
      sensor: "demo",
    },
    {
      onAlert: (alert) => {
        store.put(alert);
        stream.put(alert, liveView);
        events.set(alert.id, alert);
        if (alert.update === 0) print(`${alertLine(alert, color)}\n`);
      },
      onWarning: (message) => say(`warning: ${message}`),
    },
  );
  using api = startApi(store, appliance, {
    listen: { hostname: "127.0.0.1", port: flags.port },
    stream,
  });
  void signal.wait.then(() => appliance.stop());
  const failure = await appliance.ended();
  store.flush();
  summary(appliance.snapshot(), [...events.values()]);
  tellTruth(new GeneratorSource(traffic).truth.attacks);
  if (failure) return sayFailure(failure);
  if (!flags.once && !signal.stopped) {
    print(
      `\nThe API answers on ${api.url}: open it in a browser, or try ${api.url}api/v1/alerts; Ctrl-C ends.\n`,
    );
    await signal.wait;
  }
  return EXIT.ok;
}

/** What the generator hid, which the detectors were not told. */
function tellTruth(attacks: readonly Attack[]): void {
  say("What was hidden in the traffic:");
  for (const attack of attacks) say(`  ${attackText(attack)}`);
}

function attackText(attack: Attack): string {
  switch (attack.kind) {
    case "vertical-scan":
      return `vertical scan: ${attack.attacker} -> ${attack.victim}, ${grouped(attack.ports)} ports`;
    case "horizontal-scan":
      return `horizontal scan: ${attack.attacker} -> ${grouped(attack.hosts)} hosts, port ${attack.port}`;
    case "syn-flood":
      return `SYN flood: ${grouped(attack.sources)} spoofed sources -> ${attack.victim}:${attack.port} (a later release detects it; here it must fool no one)`;
  }
}
