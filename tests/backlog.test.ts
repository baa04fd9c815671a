// SPDX-License-Identifier: BSD-3-Clause
// A receiver that is away while alerts come and the process is killed: when it is back it gets all of them.
import { expect, test } from "bun:test";
import { BATCH_ALERTS } from "../src/control/delivery/worker.ts";
import { TestFolder } from "../src/control/store/testing/alerts.ts";
import { type Arrival, idOf, SyslogServer } from "./backlog/server.ts";

/** `bun run soak backlog` asks for more. */
const ALERTS = Number(process.env["NEMEAN_SOAK"] ?? 20_000);
const CHILD = Bun.fileURLToPath(new URL("./backlog/child.ts", import.meta.url));

const spawn = (...args: readonly (string | number)[]) =>
  Bun.spawn([process.execPath, CHILD, ...args.map(String)], { stdout: "pipe", stderr: "inherit" });

/** Put alerts up to a number, killed once so many of them are acknowledged; the last that was. */
async function fill(folder: string, port: number, killAt = Number.POSITIVE_INFINITY) {
  const child = spawn(folder, port, "fill", ALERTS);
  let acked = 0;
  let text = "";
  for await (const chunk of child.stdout) {
    text += Buffer.from(chunk).toString();
    acked = Number(text.split("\n").at(-2) ?? 0);
    if (acked >= killAt) child.kill("SIGKILL");
  }
  await child.exited;
  return { acked, signal: child.signalCode };
}

/** The alerts of all connections in their order, without those that came again, and how many did in each. */
function withoutRepeats(connections: readonly (readonly Arrival[])[]) {
  const first: Arrival[] = [];
  const repeats: number[] = [];
  for (const arrivals of connections) {
    const again = arrivals.filter(({ number }) => number < first.length);
    // They come first, and are told by id and update.
    expect(arrivals.slice(0, again.length)).toEqual(again);
    for (const arrival of again) expect(arrival).toEqual(first[arrival.number]!);
    first.push(...arrivals.slice(again.length));
    repeats.push(again.length);
  }
  return { first, repeats };
}

test(
  `Delivery brings ${ALERTS} alerts of an outage with two kills to the server once it is back, in order, over a third`,
  async () => {
    using folder = new TestFolder();
    await using server = await SyslogServer.absent();
    const killed = await fill(folder.path, server.port, ALERTS * 0.3);
    expect(killed.signal).toBe("SIGKILL");
    const again = await fill(folder.path, server.port, ALERTS * 0.6);
    expect(again.signal).toBe("SIGKILL");
    // Nothing of what was acknowledged is put a second time, for the next run goes on behind it.
    expect(again.acked).toBeGreaterThan(killed.acked);
    expect(await fill(folder.path, server.port)).toEqual({ acked: ALERTS, signal: null });
    expect(server.received).toBe(0);

    await server.start();
    const interrupted = spawn(folder.path, server.port, "drain");
    while (server.received < ALERTS * 0.4) await Bun.sleep(1);
    interrupted.kill("SIGKILL");
    await interrupted.exited;
    const last = spawn(folder.path, server.port, "drain");
    const said = JSON.parse(await last.stdout.text());
    expect(await last.exited).toBe(0);
    expect(said).toMatchObject({ delivered: ALERTS, waiting: 0, dropped: 0, dead: 0, filtered: 0 });

    const { first, repeats } = withoutRepeats(server.connections);
    expect(first).toEqual(
      Array.from({ length: ALERTS }, (_, n) => ({ number: n, id: idOf(n), update: n % 3 })),
    );
    expect(repeats).toEqual([0, expect.any(Number)]);
    expect(repeats[1]).toBeLessThanOrEqual(BATCH_ALERTS);
    process.stdout.write(
      `${ALERTS} alerts, 3 kills: ${first.length} delivered in order, ${repeats[1]} twice; the last ${said.drained} ` +
        `drained in ${said.seconds.toFixed(2)} s, ${Math.round(said.drained / said.seconds)} a second\n`,
    );
  },
  60_000 + ALERTS,
);
