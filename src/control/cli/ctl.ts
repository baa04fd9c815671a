// SPDX-License-Identifier: BSD-3-Clause
import type { Command } from "commander";
import { EXIT } from "../../core/errors.ts";
import { printable } from "../../core/log.ts";
import { addConfigCommands } from "./ctl-config.ts";
import { addProcessCommands } from "./ctl-processes.ts";
import { type Answers, ask, DATA_OPTION, get } from "./local-api.ts";
import type { Status } from "./options.ts";
import { grouped, print, say } from "./terminal.ts";

interface Flags {
  readonly data: string;
  readonly json?: boolean;
}

/** `nemean ctl`: look at a running appliance and work it, over its unix socket. */
export function ctlCommand(program: Command, status: Status): Command {
  const ctl = program
    .command("ctl")
    .description("Look at a running appliance, and work it, over its socket in the data folder.");
  const add = (name: string, about: string): Command =>
    ctl
      .command(name)
      .description(about)
      .option(...DATA_OPTION)
      .option("--json", "what the API answers, as it is");
  add("status", "Whether it runs, and what is wrong; exit code 69 when something is.").action(
    async (flags: Flags) => {
      const health = await get(flags.data, "/healthz");
      const stats = await get(flags.data, "/api/v1/stats");
      if (health.status !== "ok") status.code = EXIT.unavailable;
      if (flags.json) print(`${JSON.stringify({ health, stats })}\n`);
      else tellStatus(health, stats);
    },
  );
  add("sinks", "Receivers of alerts, and how far each has got.").action(async (flags: Flags) => {
    const { items } = await get(flags.data, "/api/v1/sinks");
    if (flags.json) print(`${JSON.stringify(items)}\n`);
    else for (const sink of items) print(`${sinkLine(sink)}\n`);
  });
  add("sink-test", "Send a test alert to a sink, past its queue.")
    .argument("<sink>")
    .action(async (sink: string, flags: Flags) => {
      const path = `/api/v1/sinks/${encodeURIComponent(sink)}/test`;
      const { accepted, refused, failure } = (await ask(flags.data, path, {})) as Record<
        string,
        unknown
      >;
      if (accepted !== 1) status.code = EXIT.unavailable;
      say(accepted === 1 ? `${sink} has the test alert` : `${sink}: ${String(refused ?? failure)}`);
    });
  add("users", "Who may log in.").action(async (flags: Flags) => {
    const { items } = await get(flags.data, "/api/v1/users");
    if (flags.json) print(`${JSON.stringify(items)}\n`);
    else
      for (const { name, role, disabled } of items)
        print(`${printable(name)}  ${role}${disabled ? "  locked out" : ""}\n`);
  });
  add("user-add", "Make a user; the password is the first line of standard input.")
    .argument("<name>")
    .argument("<role>", "viewer, operator or admin")
    .action(async (name: string, role: string, flags: Flags) => {
      const [password = ""] = (await Bun.stdin.text()).split("\n");
      await ask(flags.data, "/api/v1/users", { name, role, password });
      say(`${name} may log in`);
    });
  addProcessCommands(ctl);
  addConfigCommands(ctl, status);
  return ctl;
}

function tellStatus(health: Answers["/healthz"], stats: Answers["/api/v1/stats"]): void {
  print(
    `${health.status}, up for ${grouped(Math.floor(health.uptime))} s, ${grouped(stats.alerts)} alerts\n`,
  );
  for (const reason of health.reasons) print(`  ${printable(reason)}\n`);
  for (const { name, meter, capture } of stats.sources)
    print(
      `${printable(name)}: ${grouped(meter.packets)} packets, ${grouped(meter.flows)} flows, ${grouped(meter.live)} of them now` +
        `${capture ? `, ${grouped(capture.dropped)} packets dropped, ${capture.state}` : ""}\n`,
    );
  for (const { name, inputs } of stats.modules) {
    const records = Object.values(inputs).reduce((sum, count) => sum + count, 0);
    print(`${name}: ${grouped(records)} flow records\n`);
  }
}

const sinkLine = (sink: Answers["/api/v1/sinks"]["items"][number]): string =>
  `${printable(sink.name)}: ${sink.state}, ${grouped(sink.delivered)} delivered, ${grouped(sink.waiting)} wait, ` +
  `${grouped(sink.dropped)} dropped, ${grouped(sink.dead)} refused` +
  `${sink.lastError === null ? "" : `; last error: ${printable(sink.lastError)}`}`;
