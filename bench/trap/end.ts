// SPDX-License-Identifier: BSD-3-Clause
/**
 * One end of a link as a process: `end.ts send|receive SPEC COUNT`. Prints what it did and its CPU time as JSON.
 */
import { Poller } from "../../src/core/net/poller.ts";
import { ModuleRunner } from "../../src/core/runner.ts";
import { openInput, openOutput } from "../../src/core/trap/index.ts";
import type { TrapEnvironment } from "../../src/core/trap/interface.ts";
import { parseInput, parseOutput } from "../../src/core/trap/specifier.ts";
import { receiver, seen, sender } from "./flow.ts";

const [role, spec = "", count = "0", clients = "1"] = process.argv.slice(2);
const env: TrapEnvironment = {
  poller: new Poller(),
  log: () => {},
  socketFolder: process.env["TRAP_SOCKET_DIR"] ?? "/tmp",
};
const begun = process.cpuUsage();
if (role === "send") {
  const runner = new ModuleRunner(sender, { params: { count: Number(count) } });
  const output = openOutput(parseOutput(spec), "WAIT", env);
  output.attach(runner.outputs["flows"]!);
  while (output.stats.clientCount < Number(clients)) env.poller.turn();
  const before = process.cpuUsage();
  // As the product's loop does: looks at its sockets now and then while there is work.
  let next = 0;
  while (runner.produce() !== undefined) {
    if (performance.now() < next) continue;
    env.poller.turn(0);
    next = performance.now() + 1;
  }
  runner.end();
  while (!output.drained) env.poller.turn();
  report(before, { messages: output.stats.messages, dropped: output.stats.dropped });
  output.close();
} else {
  const runner = new ModuleRunner(receiver);
  const input = openInput(parseInput(spec), runner.inputs["flows"]!, env);
  const before = process.cpuUsage();
  while (!runner.ended) {
    env.poller.turn();
    if (input.failure) throw input.failure;
  }
  report(before, { ...seen });
}

function report(before: NodeJS.CpuUsage, what: object): void {
  const { user, system } = process.cpuUsage(before);
  const start = before.user + before.system - begun.user - begun.system;
  console.log(JSON.stringify({ ...what, micros: user + system, user, system, start }));
}
