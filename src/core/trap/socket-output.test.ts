// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, beforeEach, describe, expect, spyOn, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { connect, unixAddress } from "../net/sockets.ts";
import { SocketStream } from "../net/stream.ts";
import { OutputPort } from "../port.ts";
import { hasShared, NO_SHARED, sharedPath } from "../testing/shared.ts";
import { Random } from "../traffic/rng.ts";
import { ANY_MESSAGES, messages, parseTemplate, type Template } from "../unirec/template.ts";
import { TextReader } from "../unirec/text-reader.ts";
import { RecordWriter } from "../unirec/writer.ts";
import { encodeHello } from "./hello.ts";
import { SocketInput, type SocketInputSpec } from "./socket-input.ts";
import { SocketOutput } from "./socket-output.ts";
import { parseInput, parseOutput, type SocketOutputSpec, type Timeout } from "./specifier.ts";
import { withoutDescriptors } from "./testing/descriptors.ts";
import { container, Kept, Loop, RawReceiver } from "./testing/wire.ts";

let loop: Loop;
const outputs: SocketOutput[] = [];
beforeEach(() => {
  loop = new Loop();
});
afterEach(() => {
  for (const output of outputs.splice(0)) output.close();
  loop[Symbol.dispose]();
});

const LAYOUT = parseTemplate("uint32 A,string S");

function open(
  spec: string,
  {
    layout = LAYOUT,
    timeout = "NO_WAIT" as Timeout,
  }: { layout?: Template; timeout?: Timeout } = {},
) {
  const output = new SocketOutput(parseOutput(spec) as SocketOutputSpec, timeout, loop.env);
  outputs.push(output);
  const port = new OutputPort("flows", layout);
  output.attach(port);
  const writer = new RecordWriter(layout);
  const send = (A: number, S = ""): void => {
    writer.begin().setAll({ A, S });
    writer.end(port.room(writer.size));
    if (port.eager) port.flush();
  };
  /** Messages as they stand, of a format without fields. */
  const sendText = (text: string): void => {
    const bytes = Buffer.from(text);
    const batch = port.room(bytes.length);
    batch.bytes.set(bytes, batch.push(bytes.length));
  };
  return { output, port, send, sendText };
}

function connected(output: SocketOutput, name = "x", count = 1): RawReceiver[] {
  const receivers = Array.from({ length: count }, () => new RawReceiver(loop, { unix: name }));
  loop.until(() => output.stats.clientCount === count);
  return receivers;
}

const bigRow = "x".repeat(50_000);
/** Numbers of the records in what a receiver of bytes has got. */
function numbers(bytes: Uint8Array, layout: Template = LAYOUT): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out: number[] = [];
  let at = encodeHello(layout).length;
  while (at + 14 <= bytes.length) {
    const end = at + 14 + view.getUint32(at);
    for (at += 14; at < end; at += 2 + view.getUint16(at))
      if (view.getUint16(at) > 1) out.push(view.getUint32(at + 2, true));
  }
  return out;
}

test("SocketOutput sends hello and containers, the end in the last one, and closes", () => {
  const { output, port, send } = open("u:x");
  const [receiver] = connected(output);
  send(1, "a");
  port.flush();
  send(2, "b");
  port.end();
  loop.until(() => receiver!.closed);
  const row = (A: number, S: string): Uint8Array =>
    Uint8Array.of(A, 0, 0, 0, 0, 0, 1, 0, S.charCodeAt(0));
  expect(Buffer.from(receiver!.bytes)).toEqual(
    Buffer.concat([
      encodeHello(LAYOUT),
      container([row(1, "a")]),
      container([row(2, "b"), Uint8Array.of(0)], 1),
    ]),
  );
  expect(output.stats).toMatchObject({ messages: 3, buffers: 2, dropped: 0, clientCount: 0 });
});

test("SocketOutput that is not to end the stream sends what is left and closes", () => {
  const { output, port, send } = open("u:x");
  output.endsStream = false;
  const [receiver] = connected(output);
  send(1);
  port.end();
  loop.until(() => receiver!.closed);
  expect(receiver!.bytes.at(-1)).toBe(0);
  expect(numbers(receiver!.bytes)).toEqual([1]);
  expect(receiver!.bytes.length).toBe(encodeHello(LAYOUT).length + 14 + 2 + 8);
});

test("SocketOutput sends all clients the same bytes, over unix and TCP, IPv4 and IPv6", () => {
  const { output, port, send } = open("u:x");
  const receivers = connected(output, "x", 3);
  for (let i = 0; i < 5000; i++) send(i, "some text");
  port.end();
  loop.until(() => receivers.every(({ closed }) => closed));
  expect(numbers(receivers[0]!.bytes)).toHaveLength(5000);
  for (const { bytes } of receivers)
    expect(Buffer.from(bytes)).toEqual(Buffer.from(receivers[0]!.bytes));
});

const hosts = networkInterfaces()["lo"]?.map(({ address }) => address) ?? ["127.0.0.1"];
test.each(hosts)("SocketOutput listens on TCP, reached over %s", (host) => {
  // A port that is free now: taken from one that was open.
  const { output, port, send } = open(`t:${freePort()}`);
  const receiver = new RawReceiver(loop, { port: Number(output.stats.id), host });
  loop.until(() => output.stats.clientCount === 1);
  send(7);
  port.end();
  loop.until(() => receiver.closed);
  expect(numbers(receiver.bytes)).toEqual([7]);
});

function freePort(): number {
  using server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  return server.port;
}

test("SocketOutput tells who comes before it has a layout to come again", () => {
  const { output, port } = open("u:x", { layout: ANY_MESSAGES });
  const early = new RawReceiver(loop, { unix: "x" });
  loop.until(() => early.closed);
  expect(Buffer.from(early.bytes)).toEqual(Buffer.alloc(8));
  port.announce(LAYOUT);
  const [late] = connected(output);
  loop.until(() => late!.bytes.length > 0);
  expect(Buffer.from(late!.bytes)).toEqual(Buffer.from(encodeHello(LAYOUT)));
});

test("SocketOutput closes one client too many without a byte", () => {
  const { output } = open("u:x:max_clients=2");
  connected(output, "x", 2);
  const third = new RawReceiver(loop, { unix: "x" });
  loop.until(() => third.closed);
  expect(third.bytes).toHaveLength(0);
  expect(output.stats.clientCount).toBe(2);
});

test("SocketOutput lets the loop sleep when the process has no descriptor left, and takes who waited", () => {
  const { output } = open("u:x");
  loop.poller.turn(0);
  const clock = spyOn(performance, "now").mockReturnValue(1000);
  try {
    const waiting = new RawReceiver(loop, { unix: "x" });
    withoutDescriptors(() => {
      expect([loop.poller.turn(0), loop.poller.turn(0)]).toEqual([1, 0]);
    });
    expect(output.stats.clientCount).toBe(0);
    clock.mockReturnValue(1100);
    loop.poller.turn(0);
    expect(output.stats.clientCount).toBe(1);
    waiting.close();
  } finally {
    clock.mockRestore();
  }
});

test("SocketOutput loses nothing for a fast client while another does not read, and its counts add up", () => {
  const { output, port, send } = open("u:x:buffer_count=4");
  const [fast, slow] = connected(output, "x", 2);
  slow!.reading = false;
  for (let i = 0; i < 200; i++) {
    send(i, bigRow);
    port.flush();
    loop.until(() => output.stats.clients[0]!.sentMessages > i - 2);
  }
  expect(output.stats.clients[1]!.skippedMessages).toBeGreaterThan(100);
  slow!.reading = true;
  port.end();
  loop.until(() => fast!.closed && slow!.closed);
  expect(numbers(fast!.bytes)).toEqual(Array.from({ length: 200 }, (_, i) => i));
  const got = numbers(slow!.bytes);
  expect(got.length + output.stats.dropped).toBe(200);
  expect(got).toEqual(got.toSorted((a, b) => a - b));
  // What is dropped is the oldest: the last ones came.
  expect(got.at(-1)).toBe(199);
});

test("SocketInput counts as missed just what SocketOutput skipped for it", () => {
  const { output, port, send } = open("u:x:buffer_count=2");
  const kept = new Kept();
  const input = new SocketInput(parseInput("u:x") as SocketInputSpec, kept, loop.env);
  loop.until(() => input.stats.connected);
  send(0);
  port.flush();
  loop.until(() => kept.rows.length === 1);
  // Nobody turns the loop meanwhile, so nobody reads.
  for (let i = 1; i < 100; i++) {
    send(i, bigRow);
    port.flush();
  }
  port.end();
  loop.until(() => input.ended);
  expect(input.stats.missed).toBeGreaterThan(50);
  expect(input.stats.missed).toBe(output.stats.dropped);
  // The message that ends the stream was sent too.
  expect(kept.messages.length + 1 + input.stats.missed).toBe(output.stats.messages);
});

test("SocketOutput with timeout=WAIT waits for the first client and for the slowest", () => {
  const { output, port, send } = open("u:x:buffer_count=2:timeout=WAIT");
  const receivers: RawReceiver[] = [];
  // Comes while the output waits: it is a task of the same loop.
  loop.poller.add({
    fd: -1,
    events: 0,
    due: 0,
    stage: "outlet",
    run() {
      this.due = Number.POSITIVE_INFINITY;
      receivers.push(new RawReceiver(loop, { unix: "x" }), new RawReceiver(loop, { unix: "x" }));
    },
  });
  for (let i = 0; i < 60; i++) {
    send(i, bigRow);
    port.flush();
  }
  port.end();
  loop.until(() => receivers.every(({ closed }) => closed));
  expect(numbers(receivers[0]!.bytes)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  expect(output.stats).toMatchObject({ dropped: 0, unheard: 0 });
});

test("SocketOutput with a time waits so long for a slow client, then drops", () => {
  const { output, port, send } = open("u:x:buffer_count=1:timeout=20000");
  const [slow] = connected(output);
  slow!.reading = false;
  const began = performance.now();
  for (let i = 0; i < 10; i++) {
    send(i, bigRow);
    port.flush();
  }
  expect(performance.now() - began).toBeGreaterThan(60);
  expect(output.stats.dropped).toBeGreaterThan(0);
});

test("SocketOutput that waits lets go when the process is told to stop", () => {
  const { output, port, send } = open("u:x:buffer_count=1:timeout=WAIT");
  const [stuck] = connected(output);
  stuck!.reading = false;
  loop.poller.add({
    fd: -1,
    events: 0,
    due: performance.now() + 200,
    stage: "outlet",
    run: () => {
      loop.stopped = true;
    },
  });
  for (let i = 0; i < 30; i++) {
    send(i, bigRow);
    port.flush();
  }
  output.endsStream = false;
  port.end();
  output.close();
  const { messages: sent, dropped } = output.stats;
  expect(sent).toBe(30);
  expect(dropped).toBeGreaterThan(20);
});

test("SocketOutput counts what nobody is there for", () => {
  const { output, port, send } = open("u:x:timeout=HALF_WAIT");
  send(1);
  send(2);
  port.flush();
  expect(output.stats).toMatchObject({ messages: 2, unheard: 2, dropped: 0, buffers: 0 });
});

test("SocketOutput changes its layout after the old clients have all of the old", () => {
  const { output, port, send, sendText } = open("u:x");
  const [old] = connected(output);
  for (let i = 0; i < 100; i++) send(i, bigRow.slice(0, 1000));
  const other = messages("json", "later");
  let back: RawReceiver | undefined;
  loop.poller.add({
    fd: -1,
    events: 0,
    due: 0,
    stage: "outlet",
    run() {
      if (!old!.closed) return;
      this.due = Number.POSITIVE_INFINITY;
      back = new RawReceiver(loop, { unix: "x" });
    },
  });
  port.announce(other);
  sendText('{"a":1}');
  port.end();
  loop.until(() => back?.closed === true);
  expect(numbers(old!.bytes)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(Buffer.from(back!.bytes)).toEqual(
    Buffer.concat([encodeHello(other), container([Buffer.from('{"a":1}'), Uint8Array.of(0)], 100)]),
  );
});

test("SocketOutput with buffer=off sends each message alone, numbered from 0 without a fault", () => {
  const { output, port, send } = open("u:x:buffer=off");
  const [receiver] = connected(output);
  for (let i = 0; i < 3; i++) send(i);
  port.end();
  loop.until(() => receiver!.closed);
  const bytes = Buffer.from(receiver!.bytes);
  const size = 14 + 2 + 8;
  const from = encodeHello(LAYOUT).length;
  const sequences = [0, 1, 2].map((i) => Number(bytes.readBigUInt64LE(from + i * size + 4)));
  expect(sequences).toEqual([0, 1, 2]);
  expect(output.stats.buffers).toBe(4);
});

test("SocketOutput with a small buffer_size cuts batches, and drops what fits in none", () => {
  const { output, port, send } = open("u:x:buffer_size=100");
  const [receiver] = connected(output);
  for (let i = 0; i < 20; i++) send(i, i === 10 ? "y".repeat(200) : "z".repeat(20));
  port.end();
  loop.until(() => receiver!.closed);
  expect(numbers(receiver!.bytes)).toEqual(
    Array.from({ length: 20 }, (_, i) => i).filter((i) => i !== 10),
  );
  expect(output.stats.dropped).toBe(1);
  expect(output.stats.buffers).toBeGreaterThan(9);
});

test("SocketOutput sends a part-filled batch after the autoflush time", () => {
  const { output, send } = open("u:x:autoflush=30000");
  const [receiver] = connected(output);
  send(1);
  loop.until(() => numbers(receiver!.bytes).length === 1);
  expect(output.stats.autoflushes).toBe(1);
  const never = open("u:y:autoflush=off");
  const [waiting] = connected(never.output, "y");
  never.send(1);
  loop.rest(50);
  expect(numbers(waiting!.bytes)).toEqual([]);
});

test("SocketOutput survives clients that connect and go at once", () => {
  const { output, port, send } = open("u:x");
  for (let i = 0; i < 300; i++) {
    new RawReceiver(loop, { unix: "x" }).close();
    if (i % 5 === 0) loop.poller.turn(0);
    send(i);
    port.flush();
  }
  const receiver = new RawReceiver(loop, { unix: "x" });
  loop.until(() => output.stats.clientCount === 1);
  send(1000);
  port.end();
  loop.until(() => receiver.closed);
  expect(numbers(receiver.bytes)).toEqual([1000]);
});

test("SocketOutput pays no heed to what clients say, who have no business to", () => {
  const { output, port, send } = open("u:x");
  const random = new Random(5);
  const [quiet] = connected(output);
  let sent = 0;
  for (let round = 0; round < 200; round++) {
    const fd = connect(unixAddress(loop.path("x")));
    const noisy = new SocketStream(fd);
    for (let i = random.below(20); i >= 0; i--) {
      const noise = new Uint8Array(new ArrayBuffer(1 + random.below(10_000)));
      for (let k = 0; k < noise.length; k++) noise[k] = random.below(256);
      noisy.write(noise, 0, noise.length);
      if (random.below(3) === 0) loop.poller.turn(0);
    }
    send(sent++);
    port.flush();
    noisy.close();
  }
  port.end();
  loop.until(() => quiet!.closed);
  expect(numbers(quiet!.bytes)).toEqual(Array.from({ length: sent }, (_, i) => i));
});

describe("a socket's path", () => {
  test.skipIf(process.getuid?.() !== 0)(
    "SocketOutput gives it to a group, by name or number",
    () => {
      open("u:x:group=7");
      open("u:y:group=daemon");
      expect(statSync(loop.path("x")).gid).toBe(7);
      expect(statSync(loop.path("y")).gid).toBe(1);
      expect(() => open("u:z:group=nobody-has-this")).toThrow(/no such group/);
      expect(existsSync(loop.path("z"))).toBe(false);
    },
  );

  test("SocketOutput gives it to user and group alone, or as the specifier says", () => {
    open("u:x");
    open("u:y:mode=0666");
    expect(statSync(loop.path("x")).mode & 0o777).toBe(0o660);
    expect(statSync(loop.path("y")).mode & 0o777).toBe(0o666);
  });

  test("SocketOutput takes over a path that nobody listens on", () => {
    // What a process leaves that was killed.
    const code = `Bun.listen({ unix: ${JSON.stringify(loop.path("x"))}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL");`;
    Bun.spawnSync([process.execPath, "-e", code]);
    expect(existsSync(loop.path("x"))).toBe(true);
    connected(open("u:x").output);
  });

  test("SocketOutput never takes the path of a process that lives", () => {
    const first = open("u:x").output;
    expect(() => open("u:x")).toThrow(/another process listens there/);
    connected(first);
  });

  test("SocketOutput leaves a file alone that is no socket", () => {
    writeFileSync(loop.path("x"), "precious");
    expect(() => open("u:x")).toThrow(/is there and no socket/);
    expect(readFileSync(loop.path("x"), "utf8")).toBe("precious");
  });

  test("SocketOutput takes its path away when it closes", () => {
    open("u:x").output.close();
    expect(existsSync(loop.path("x"))).toBe(false);
  });

  test("SocketOutput says that a path is too long", () => {
    expect(() => open(`u:${"n".repeat(200)}`)).toThrow(/at most 107 bytes/);
  });
});

describe.skipIf(!hasShared("golden/trap"))(
  `bytes of the original${hasShared("golden/trap") ? "" : ` (${NO_SHARED})`}`,
  () => {
    const golden = (name: string): Uint8Array<ArrayBuffer> =>
      new Uint8Array(readFileSync(sharedPath("golden/trap", name)));

    test("SocketOutput sends the records of in.csv as the original's logreplay does, byte for byte", () => {
      const [header, ...rows] = Buffer.from(golden("in.csv")).toString().trimEnd().split("\n");
      const text = new TextReader(header!);
      const { output, port } = open("u:x", { layout: text.template });
      const [receiver] = connected(output);
      const writer = text.writer();
      for (const row of rows) {
        text.read(row, writer);
        writer.end(port.room(writer.size));
      }
      port.end();
      loop.until(() => receiver!.closed);
      expect(new Uint8Array(receiver!.bytes)).toEqual(golden("u_logreplay_full_session.bin"));
    });

    test.each([
      ["u_json.bin", messages("json", "myjson")],
      ["u_json_empty.bin", messages("json")],
      ["u_raw.bin", messages("raw")],
    ])("SocketOutput sends three messages as in %s", (name, layout) => {
      const { output, port, sendText } = open("u:x", { layout });
      const [receiver] = connected(output);
      for (const text of ['{"a":1}', "x", ""]) sendText(text);
      port.flush();
      loop.until(() => receiver!.bytes.length === golden(name).length);
      expect(new Uint8Array(receiver!.bytes)).toEqual(golden(name));
    });
  },
);
