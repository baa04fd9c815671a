// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import type { Sink } from "../../core/exporter.ts";
import { TlsAuthority, tlsMissing } from "../../core/net/testing/tls-authority.ts";
import { numberedAlert, numberedAlerts } from "../../core/testing/alerts.ts";
import { testExporter } from "../../core/testing/exporter-kit.ts";
import syslog from "./index.ts";
import { PARAMS, PLACE } from "./testing/params.ts";
import { Recorder, serverFiles } from "./testing/peers.ts";

const sinkTo = (port: number, fields: Partial<Parameters<typeof syslog.open>[0]> = {}): Sink =>
  syslog.open({ ...PARAMS, port, ...fields }, PLACE);
/** The numbers of the alerts in messages. */
const numbers = (messages: readonly string[]): number[] =>
  messages.map((message) => Number(/alert (\d+)/.exec(message)?.[1]));
const upTo = (to: number, from = 0): number[] =>
  Array.from({ length: to - from }, (_, i) => i + from);
/** So long that some hundred of them fill what both systems keep of a connection. */
const long = (count: number): ReturnType<typeof numberedAlerts> =>
  numberedAlerts(count).map((alert) => ({ ...alert, title: "x".repeat(30_000) }));
/** Until such a send is connected and has filled all of that. */
const stuck = (): Promise<void> => Bun.sleep(700);
/** A port where nobody listens. */
async function deadPort(): Promise<number> {
  const server = await Recorder.start();
  await server[Symbol.asyncDispose]();
  return server.port;
}

testExporter(syslog);

describe("syslog over TCP", () => {
  test("sends octet-counted messages over one connection, in order", async () => {
    await using server = await Recorder.start();
    const sink = sinkTo(server.port);
    expect(await sink.send(numberedAlerts(300))).toEqual({ accepted: 300 });
    expect(await sink.send(numberedAlerts(1, 300))).toEqual({ accepted: 1 });
    await sink.close();
    expect(numbers(await server.received(301))).toEqual(upTo(301));
    expect(server.connections).toBe(1);
    expect(server.messages[0]).toStartWith(
      "<132>1 2026-11-24T02:00:00.123456Z nemean-01 nemean - ALERT [",
    );
  });

  test("says the facility that was asked for", async () => {
    await using server = await Recorder.start();
    const sink = sinkTo(server.port, { facility: "authpriv" });
    await sink.send(numberedAlerts(1));
    await sink.close();
    expect((await server.received(1))[0]).toMatch(/^<8\d>1 /);
  });

  test("fails while nobody listens, and sends once somebody does", async () => {
    const port = await deadPort();
    const sink = sinkTo(port);
    const { accepted, failure } = await sink.send(numberedAlerts(2));
    expect(accepted).toBe(0);
    expect(failure).toContain("ECONNREFUSED");
    await using server = await Recorder.start(undefined, port);
    expect(await sink.send(numberedAlerts(2))).toEqual({ accepted: 2 });
    await sink.close();
    expect(numbers(await server.received(2))).toEqual([0, 1]);
  });

  test("fails for a name that is none", async () => {
    const { accepted, failure } = await sinkTo(514, { host: "logs.invalid" }).send(
      numberedAlerts(1),
    );
    expect(accepted).toBe(0);
    expect(failure).toContain("logs.invalid");
  });

  test.each(["end", "reset"] as const)(
    "connects anew after the server hung up by %s",
    async (how) => {
      await using server = await Recorder.start();
      const sink = sinkTo(server.port);
      await sink.send(numberedAlerts(1));
      await server.received(1);
      server.hangUp(how);
      await Bun.sleep(20);
      expect(await sink.send(numberedAlerts(1, 1))).toEqual({ accepted: 1 });
      await sink.close();
      expect(numbers(await server.received(2))).toEqual([0, 1]);
      expect(server.connections).toBe(2);
    },
  );

  test("connects anew after close", async () => {
    await using server = await Recorder.start();
    const sink = sinkTo(server.port);
    await sink.close();
    await sink.send(numberedAlerts(1));
    await sink.close();
    expect(await sink.send(numberedAlerts(1, 1))).toEqual({ accepted: 1 });
    await sink.close();
    expect(numbers(await server.received(2))).toEqual([0, 1]);
    expect(server.connections).toBe(2);
  });

  test("is not stopped up by a server that talks", async () => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: (socket) => void socket.write("x".repeat(100_000)), data: () => undefined },
    });
    const sink = sinkTo(server.port);
    expect(await sink.send(numberedAlerts(100))).toEqual({ accepted: 100 });
    await sink.close();
    server.stop(true);
  });
});

const authority = tlsMissing ? undefined : new TlsAuthority();
const tls = authority && serverFiles(authority.issueFor("slow", ["IP:127.0.0.1"]));
afterAll(() => authority?.[Symbol.dispose]());

describe.each([
  ["tcp", ""],
  ["tls", tlsMissing],
] as const)("syslog to a slow server over %s%s", (transport, missing) => {
  const start = (): Promise<Recorder> => Recorder.start(transport === "tls" ? tls : undefined);
  const fields = { transport, ca: transport === "tls" ? (authority?.ca ?? "") : "" } as const;

  test.skipIf(missing !== "")("waits for it, and loses nothing", async () => {
    await using server = await start();
    server.reads = false;
    const sink = sinkTo(server.port, { ...fields, timeout: 20 });
    const sending = sink.send(long(600));
    expect(await Promise.race([sending, stuck().then(() => "waits")])).toBe("waits");
    server.resume();
    expect(await sending).toEqual({ accepted: 600 });
    await sink.close();
    expect(numbers(await server.received(600))).toEqual(upTo(600));
  });

  test.skipIf(missing !== "")(
    "counts what its system took, and gives the rest up in time",
    async () => {
      await using server = await start();
      server.reads = false;
      const sink = sinkTo(server.port, { ...fields, timeout: 1 });
      const { accepted, failure } = await sink.send(long(600));
      expect(failure).toBe("the server takes nothing in 1 s");
      expect(accepted).toBeWithin(1, 600);
      server.resume();
      // Nothing that was counted is missing; of the next one a part may have gone out, never all of it.
      expect(numbers(await server.received(accepted))).toEqual(upTo(accepted));
      server.forget();
      expect(await sink.send(long(600).slice(accepted, accepted + 3))).toEqual({ accepted: 3 });
      await sink.close();
      expect(numbers(await server.received(3))).toEqual(upTo(accepted + 3, accepted));
    },
  );

  test.skipIf(missing !== "")("fails at once when it hangs up", async () => {
    await using server = await start();
    server.reads = false;
    const sink = sinkTo(server.port, { ...fields, timeout: 20 });
    const sending = sink.send(long(600));
    await stuck();
    server.hangUp("reset");
    const { accepted, failure } = await sending;
    expect(accepted).toBeWithin(1, 600);
    expect(failure).toMatch(/ECONNRESET|EPIPE|connection/);
    await sink.close();
  });

  test.skipIf(missing !== "")("is let go of in the middle of a send", async () => {
    await using server = await start();
    server.reads = false;
    const sink = sinkTo(server.port, { ...fields, timeout: 20 });
    const sending = sink.send(long(600));
    await stuck();
    await sink.close();
    const { accepted, failure } = await sending;
    expect(accepted).toBeLessThan(600);
    expect(failure).toBe("closed");
  });
});

/** A receiver of datagrams. */
async function receiver(port = 0): Promise<{ socket: Socket; port: number; messages: string[] }> {
  const socket = createSocket("udp4");
  const messages: string[] = [];
  socket.on("message", (message) => messages.push(message.toString()));
  await new Promise<void>((resolve) => socket.bind(port, "127.0.0.1", () => resolve()));
  return { socket, port: socket.address().port, messages };
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !holds(); turn++) await Bun.sleep(5);
}

describe("syslog over UDP", () => {
  test("sends a message a datagram, without a frame", async () => {
    const { socket, port, messages } = await receiver();
    const sink = sinkTo(port, { transport: "udp", host: "localhost" });
    expect(await sink.send(numberedAlerts(20))).toEqual({ accepted: 20 });
    await until(() => messages.length === 20);
    await sink.close();
    socket.close();
    expect(numbers(messages)).toEqual(upTo(20));
    expect(messages[0]).toStartWith("<132>1 ");
  });

  test("refuses an alert that a datagram does not take, behind those that it takes", async () => {
    const { socket, port, messages } = await receiver();
    const sink = sinkTo(port, { transport: "udp" });
    const large = numberedAlert(2, { reason: "x".repeat(9000) });
    const result = await sink.send([...numberedAlerts(2), large, numberedAlert(3)]);
    expect(result.accepted).toBe(2);
    expect(result.failure).toBeUndefined();
    expect(result.refused).toMatch(/^\d+ bytes, a datagram takes 8192$/);
    expect(await sink.send([numberedAlert(3)])).toEqual({ accepted: 1 });
    await until(() => messages.length === 3);
    await sink.close();
    socket.close();
    expect(numbers(messages)).toEqual([0, 1, 3]);
  });

  test("loses no alert to a system that says that nobody listens", async () => {
    const { socket: first, port } = await receiver();
    first.close();
    const sink = sinkTo(port, { transport: "udp" });
    for (let attempt = 0; attempt < 3; attempt++) {
      const { accepted, failure } = await sink.send(numberedAlerts(3));
      expect(accepted).toBe(0);
      expect(failure).toContain("ECONNREFUSED");
    }
    const { socket, messages } = await receiver(port);
    expect(await sink.send(numberedAlerts(3))).toEqual({ accepted: 3 });
    await until(() => messages.length === 3);
    await sink.close();
    socket.close();
    expect(numbers(messages)).toEqual([0, 1, 2]);
  });

  test("fails for a name that is none, and goes on after close", async () => {
    const lost = await sinkTo(514, { transport: "udp", host: "logs.invalid" }).send(
      numberedAlerts(1),
    );
    expect(lost.accepted).toBe(0);
    expect(lost.failure).toContain("logs.invalid");
    const { socket, port, messages } = await receiver();
    const sink = sinkTo(port, { transport: "udp" });
    await sink.send(numberedAlerts(1));
    await sink.close();
    expect(await sink.send(numberedAlerts(1, 1))).toEqual({ accepted: 1 });
    await until(() => messages.length === 2);
    await sink.close();
    socket.close();
    expect(numbers(messages)).toEqual([0, 1]);
  });
});

describe("syslog's parameters", () => {
  test("open refuses to be without a host", () => {
    expect(() => sinkTo(514, { host: "" })).toThrow(
      "host: the name or address of the server is missing",
    );
  });
});
