// SPDX-License-Identifier: BSD-3-Clause
/**
 * One end of a link as a process; prints what it did, its CPU time and its memory as JSON.
 *
 *     end.ts send SPEC COUNT CLIENTS [RATE]   sends so many records once so many clients are there
 *     end.ts receive SPEC                     reads until the end
 *     end.ts slow NAME SECONDS                reads one record a second for so long, then as the others
 */
import { Poller } from "../../src/core/net/poller.ts";
import { connect, unixAddress } from "../../src/core/net/sockets.ts";
import { AGAIN, SocketStream } from "../../src/core/net/stream.ts";
import { ModuleRunner } from "../../src/core/runner.ts";
import { openInput, openOutput } from "../../src/core/trap/index.ts";
import type { TrapEnvironment } from "../../src/core/trap/interface.ts";
import { Session } from "../../src/core/trap/session.ts";
import { socketPath } from "../../src/core/trap/socket-input.ts";
import { parseInput, parseOutput } from "../../src/core/trap/specifier.ts";
import { receiver, seen, sender } from "./flow.ts";

/** Bytes of a record with its length: what the slow end reads at once. */
const RECORD = 79;

const env: TrapEnvironment = {
  poller: new Poller(),
  log: () => {},
  socketFolder: process.env["TRAP_SOCKET_DIR"] ?? "/tmp",
};
const begun = process.cpuUsage();
let rssMax = 0;

function send(spec: string, count: number, clients: number, rate = 0): void {
  const runner = new ModuleRunner(sender, { params: { count, rate } });
  const output = openOutput(parseOutput(spec), rate > 0 ? "NO_WAIT" : "WAIT", env);
  output.attach(runner.outputs["flows"]!);
  while (output.stats.clientCount < clients) env.poller.turn();
  const before = process.cpuUsage();
  // As the product's loop does: it looks at its sockets now and then while there is work.
  let look = 0;
  for (let wait = runner.produce(); wait !== undefined; wait = runner.produce()) {
    if (wait === 0 && performance.now() < look) continue;
    env.poller.turn(wait);
    look = performance.now() + 1;
    if (rate > 0) rssMax = Math.max(rssMax, process.memoryUsage.rss());
  }
  // What became of each client has to be looked at before the last one leaves.
  runner.outputs["flows"]!.flush();
  while (
    output.stats.clients.some(
      ({ sentMessages, skippedMessages }) => sentMessages + skippedMessages < count,
    )
  )
    env.poller.turn();
  const { clients: perClient } = output.stats;
  runner.end();
  while (!output.drained) env.poller.turn();
  report(before, {
    messages: output.stats.messages,
    dropped: output.stats.dropped,
    clients: perClient,
  });
  output.close();
}

function receive(spec: string): void {
  const runner = new ModuleRunner(receiver);
  const input = openInput(parseInput(spec), runner.inputs["flows"]!, env);
  const before = process.cpuUsage();
  while (!runner.ended) {
    env.poller.turn();
    if (input.failure) throw input.failure;
  }
  report(before, { ...seen, missed: input.stats.missed });
}

/** A stream of which a record is read each second, as long as it is slow. */
class SlowStream extends SocketStream {
  until = Number.POSITIVE_INFINITY;

  override read(bytes: Uint8Array, from: number, to: number): number {
    if (performance.now() > this.until) return super.read(bytes, from, to);
    Bun.sleepSync(1000);
    return super.read(bytes, from, Math.min(to, from + RECORD));
  }
}

function readSlowly(name: string, seconds: number): void {
  let fd = -1;
  while (fd < 0) {
    fd = connect(unixAddress(socketPath(env.socketFolder, name)));
    if (fd < 0) Bun.sleepSync(50);
  }
  const stream = new SlowStream(fd);
  stream.until = performance.now() + seconds * 1000;
  const runner = new ModuleRunner(receiver);
  const session = new Session(runner.inputs["flows"]!, 1 << 20);
  const before = process.cpuUsage();
  for (let kind: string = "open"; kind === "open"; ) {
    const read = session.read(stream);
    if (read === AGAIN) Bun.sleepSync(1);
    else if (read <= 0) break;
    kind = session.take().kind;
  }
  report(before, { ...seen, missed: session.missed });
}

function report(before: NodeJS.CpuUsage, what: object): void {
  const { user, system } = process.cpuUsage(before);
  const start = before.user + before.system - begun.user - begun.system;
  console.log(JSON.stringify({ ...what, micros: user + system, start, rssMax }));
}

const [role, spec = "", ...numbers] = process.argv.slice(2);
const [first = 0, second = 1, third = 0] = numbers.map(Number);
if (role === "send") send(spec, first, second, third);
else if (role === "receive") receive(spec);
else readSlowly(spec, first);
