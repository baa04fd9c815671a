// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import type { Batch } from "../../core/batch.ts";
import type { Sink } from "../../core/exporter.ts";
import type { Receiver } from "../../core/port.ts";
import { numberedAlert, numberedAlerts } from "../../core/testing/alerts.ts";
import { testExporter } from "../../core/testing/exporter-kit.ts";
import { SocketInput, type SocketInputSpec } from "../../core/trap/socket-input.ts";
import { parseInput } from "../../core/trap/specifier.ts";
import { Loop } from "../../core/trap/testing/wire.ts";
import type { Template } from "../../core/unirec/template.ts";
import { FORMATS } from "../formats/formats.ts";
import trap from "./index.ts";

const PLACE = { host: "nemean-01", version: "0.1.0" };
const loop = new Loop();
const folder = process.env["TRAP_SOCKET_DIR"];
beforeAll(() => {
  process.env["TRAP_SOCKET_DIR"] = loop.folder;
});
afterAll(() => {
  if (folder === undefined) delete process.env["TRAP_SOCKET_DIR"];
  else process.env["TRAP_SOCKET_DIR"] = folder;
  loop[Symbol.dispose]();
});

/** A module that takes JSON, turned beside the test as a process of its own would be. */
class Module implements Receiver, AsyncDisposable {
  layout: Template | undefined;
  readonly texts: string[] = [];
  readonly #input: SocketInput;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(name: string) {
    const spec = parseInput(`u:${name}`) as SocketInputSpec;
    this.#input = new SocketInput(spec, this, loop.env);
    this.#timer = setInterval(() => loop.poller.turn(0), 1);
  }

  announce(layout: Template): void {
    this.layout = layout;
  }

  receive({ bytes, view, start, length }: Batch): void {
    for (let at = start; at < start + length; ) {
      const size = view.getUint16(at);
      this.texts.push(Buffer.from(bytes.subarray(at + 2, at + 2 + size)).toString());
      at += 2 + size;
    }
  }

  advance(): void {
    // Event time does not travel over TRAP.
  }

  end(): void {
    // A sink that is let go of is opened again.
  }

  async has(count: number): Promise<void> {
    while (this.texts.length < count) await Bun.sleep(1);
  }

  get connected(): boolean {
    return this.#input.stats.connected;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#input[Symbol.dispose]();
  }
}

const sinks: Sink[] = [];
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
});

function sinkAt(text: string, timeout = 5): Sink {
  const sink = trap.open({ interface: text, timeout }, PLACE);
  sinks.push(sink);
  return sink;
}

/** Send what nobody was there for until somebody is, as the queue does. */
async function sendAll(sink: Sink, alerts: ReturnType<typeof numberedAlerts>): Promise<void> {
  for (let result = await sink.send(alerts); result.accepted < alerts.length; ) {
    expect(result).toMatchObject({ accepted: 0, failure: expect.stringContaining("nobody") });
    await Bun.sleep(5);
    result = await sink.send(alerts);
  }
}

testExporter(trap);

describe("trap", () => {
  test("sends IDEA under the name that NEMEA's reporters use, in order, to all receivers", async () => {
    const sink = sinkAt("u:alerts");
    await using first = new Module("alerts");
    await using second = new Module("alerts");
    await sendAll(sink, numberedAlerts(1));
    while (!(first.connected && second.connected)) await Bun.sleep(1);
    const alerts = numberedAlerts(300, 2);
    expect(await sink.send(alerts)).toEqual({ accepted: 300 });
    const lines = alerts.map((alert) => FORMATS.idea(alert, PLACE));
    for (const module of [first, second]) {
      while (module.texts.at(-1) !== lines.at(-1)) await Bun.sleep(1);
      expect(module.layout).toMatchObject({ format: "json", spec: "IDEA" });
      expect(module.texts.slice(-300)).toEqual(lines);
    }
  });

  test("keeps alerts until somebody is connected, and again when they have left", async () => {
    const sink = sinkAt("u:later");
    expect(await sink.send(numberedAlerts(2))).toEqual({
      accepted: 0,
      failure: "u:later: nobody is connected",
    });
    {
      await using module = new Module("later");
      await sendAll(sink, numberedAlerts(2));
      await module.has(2);
    }
    while ((await sink.send(numberedAlerts(1))).accepted > 0) await Bun.sleep(5);
  });

  test("sends a receiver away that takes nothing, and is there for the next", async () => {
    const sink = sinkAt("u:slow", 0.1);
    await sink.send(numberedAlerts(1));
    const silent = connect(loop.path("slow")).pause();
    const gone = new Promise((resolve) => silent.on("close", resolve));
    silent.on("error", () => {});
    const long = [numberedAlert(1, { reason: "r".repeat(30_000) })];
    let result = await sink.send(long);
    while (result.failure?.includes("nobody") || result.accepted === 1) {
      await Bun.sleep(1);
      result = await sink.send(long);
    }
    expect(result).toEqual({
      accepted: 0,
      failure: "u:slow: a receiver took nothing for 100 ms",
    });
    silent.resume();
    await gone;
    await using module = new Module("slow");
    await sendAll(sink, numberedAlerts(1));
    await module.has(1);
  });

  test("refuses an alert that no message holds, and only that one", async () => {
    const sink = sinkAt("u:short:buffer_size=2000");
    await using module = new Module("short");
    await sendAll(sink, numberedAlerts(1));
    await module.has(1);
    const alerts = [numberedAlert(2), numberedAlert(3, { reason: "r".repeat(3000) })];
    const { accepted, refused } = await sink.send(alerts);
    expect(accepted).toBe(1);
    expect(refused).toMatch(/^3\d\d\d bytes, and a message holds \d+$/);
  });

  test("opens its socket with the first alert, and takes it away when it closes", async () => {
    const sink = sinkAt("u:lazy");
    expect(existsSync(loop.path("lazy"))).toBe(false);
    await sink.send(numberedAlerts(1));
    expect(existsSync(loop.path("lazy"))).toBe(true);
    await sink.close();
    expect(existsSync(loop.path("lazy"))).toBe(false);
  });

  test("says what is wrong with its interface", async () => {
    for (const text of ["f:/tmp/x", "b:"]) expect(() => sinkAt(text)).toThrow("expected a socket");
    expect(() => sinkAt("q:x")).toThrow();
    const { failure } = await sinkAt("u:x:group=no-such-group").send(numberedAlerts(1));
    expect(failure).toContain("no-such-group");
  });
});
