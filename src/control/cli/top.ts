// SPDX-License-Identifier: BSD-3-Clause
import { type Command, Option } from "commander";
import { StopSignal } from "./drive.ts";
import { DATA_OPTION, get } from "./local-api.ts";
import { numberIn } from "./options.ts";
import { print } from "./terminal.ts";
import { type Stats, topScreen } from "./top-screen.ts";

interface Flags {
  readonly data: string;
  readonly interval: number;
  readonly count?: number;
}

/** Cursor home, and from there everything cleared. */
const CLEAR = "\x1b[H\x1b[J";

/** `nemean top`: rates of a running appliance, anew each second, until a signal. */
export function topCommand(program: Command): Command {
  return program
    .command("top")
    .description("Rates of a running appliance: its sources, modules and sinks, until a signal.")
    .option(...DATA_OPTION)
    .addOption(
      new Option("--interval <seconds>", "how often it looks")
        .default(1)
        .argParser(numberIn({ min: 0.1, max: 3600, unit: "seconds" })),
    )
    .addOption(
      new Option("--count <n>", "looks after which it ends; the first has no rates").argParser(
        numberIn({ min: 1, max: 1e9, unit: "looks", whole: true }),
      ),
    )
    .action(top);
}

async function top({ data, interval, count = Number.POSITIVE_INFINITY }: Flags): Promise<void> {
  const signal = new StopSignal();
  let before: Stats | undefined;
  let latest: Stats | undefined;
  for (let looks = 1; ; looks++) {
    // biome-ignore lint/performance/noAwaitInLoops: one look after the other.
    const health = await get(data, "/healthz");
    const now = await get(data, "/api/v1/stats");
    // The pipeline reports each second: a look that comes sooner finds nothing new, and no rate to tell.
    if (now.at !== latest?.at) [before, latest] = [latest, now];
    const lines = topScreen(health, now, before);
    print(process.stdout.isTTY === true ? CLEAR + fitting(lines) : `${lines.join("\n")}\n\n`);
    if (looks >= count) return;
    await Promise.race([signal.wait, Bun.sleep(interval * 1000)]);
    if (signal.stopped) return;
  }
}

/** As much as a terminal shows without scrolling. */
function fitting(lines: readonly string[]): string {
  const { columns = 80, rows = 24 } = process.stdout;
  return lines
    .slice(0, rows - 1)
    .map((line) => `${line.slice(0, columns)}\n`)
    .join("");
}
