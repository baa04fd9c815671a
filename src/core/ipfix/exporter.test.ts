// SPDX-License-Identifier: BSD-3-Clause
import { afterEach, expect, test } from "bun:test";
import { Poller, type Task } from "../net/poller.ts";
import { accept, type Listener, listenTcp } from "../net/sockets.ts";
import { AGAIN, SocketStream } from "../net/stream.ts";
import { OutputPort } from "../port.ts";
import { parseTemplate } from "../unirec/template.ts";
import { writer } from "../unirec/writer.ts";
import { IpfixExporter } from "./exporter.ts";
import { parseIpfix } from "./specifier.ts";
import { type Decoded, Decoder, numberOf } from "./testing/decode.ts";

const LAYOUT = parseTemplate("ipaddr SRC_IP,ipaddr DST_IP,uint16 SRC_PORT,string TLS_SNI");
const HOST = "127.0.0.1";
const cleanup: (() => void)[] = [];
afterEach(() => {
  for (const close of cleanup.splice(0)) close();
});

function exporterTo(
  spec: string,
  { patient = false, port = new OutputPort("flows", LAYOUT) } = {},
) {
  const poller = new Poller();
  const said: string[] = [];
  const exporter = new IpfixExporter(parseIpfix(spec), {
    poller,
    patient,
    domain: 9,
    log: (_, message) => said.push(message),
  });
  exporter.link(port);
  cleanup.push(() => exporter.close());
  const record = writer(LAYOUT);
  let count = 0;
  /** Send so many records, numbered by their port, to the exporter. */
  const send = (records: number, name = "", source = "192.0.2.1"): void => {
    for (let i = 0; i < records; i++) {
      record.begin();
      record["SRC_IP"] = source;
      record["SRC_PORT"] = count++;
      record["TLS_SNI"] = name;
      record.end(port.room(record.size));
    }
    port.flush();
  };
  const turnUntil = (done: () => boolean): void => {
    const end = performance.now() + 5000;
    while (!done() && performance.now() < end) poller.turn(10);
  };
  return { exporter, poller, said, send, turnUntil };
}

/** A collector over TCP in this thread. */
class Collector {
  readonly listener: Listener;
  readonly #streams: SocketStream[] = [];
  #chunks: Uint8Array[] = [];

  constructor(port = "0") {
    this.listener = listenTcp(HOST, port, 4);
    cleanup.push(() => this.close());
  }

  get spec(): string {
    return `tcp:${HOST}:${this.listener.port}`;
  }

  /** Take what has come on the newest connection. */
  read(): void {
    for (let next = accept(this.listener); next; next = accept(this.listener)) {
      this.#streams.push(new SocketStream(next.fd));
      this.#chunks = [];
    }
    const stream = this.#streams.at(-1);
    const chunk = new Uint8Array(new ArrayBuffer(1 << 16));
    for (let n = stream?.read(chunk, 0, chunk.length) ?? AGAIN; n > 0; ) {
      this.#chunks.push(chunk.slice(0, n));
      n = stream!.read(chunk, 0, chunk.length);
    }
  }

  /** The messages of the newest connection. */
  get messages(): Decoded[] {
    this.read();
    return new Decoder().stream(Uint8Array.from(Buffer.concat(this.#chunks)));
  }

  get ports(): number[] {
    return this.messages.flatMap(({ records }) => records.map((each) => numberOf(each["0/7"])));
  }

  /** Break the connection. */
  drop(): void {
    for (const stream of this.#streams.splice(0)) stream.close();
  }

  close(): void {
    this.drop();
    this.listener.close();
  }
}

test("templates come first over TCP, then each record once, numbered", () => {
  const collector = new Collector();
  const { exporter, send, turnUntil } = exporterTo(collector.spec);
  send(3000);
  send(2, "", "2001:db8::1");
  exporter.finish();
  turnUntil(() => exporter.drained && collector.ports.length === 3002);
  const { messages } = collector;
  expect(messages[0]).toMatchObject({ templates: [256, 257], records: [], domain: 9, sequence: 0 });
  let sequence = 0;
  for (const message of messages) {
    expect(message.sequence).toBe(sequence);
    sequence += message.records.length;
  }
  expect(collector.ports).toEqual(Array.from({ length: 3002 }, (_, i) => i));
  expect(messages.at(-1)!.records.at(-1)!["0/27"]).toBeDefined();
  expect(exporter.stats).toMatchObject({ records: 3002, dropped: 0, reconnects: 0 });
});

test("a message waits a second for more records at most", () => {
  const collector = new Collector();
  const { send, turnUntil, exporter } = exporterTo(collector.spec);
  send(1);
  turnUntil(() => collector.messages.length > 0);
  expect(collector.ports).toEqual([]);
  const before = performance.now();
  while (performance.now() - before < 1000) Bun.sleepSync(50);
  exporter.tick();
  turnUntil(() => collector.ports.length === 1);
  expect(collector.ports).toEqual([0]);
});

test("a session that is made anew begins with templates and sequence number 0", () => {
  const collector = new Collector();
  const { exporter, send, turnUntil, said } = exporterTo(collector.spec);
  send(5);
  exporter.finish();
  turnUntil(() => collector.ports.length === 5);
  collector.drop();
  turnUntil(() => said.some((text) => text.includes("no collector yet")));
  send(4);
  exporter.finish();
  turnUntil(() => exporter.stats.reconnects === 1 && collector.ports.length === 4);
  const { messages } = collector;
  expect(messages[0]).toMatchObject({ templates: [256, 257], sequence: 0 });
  expect(messages[1]).toMatchObject({ sequence: 0 });
  expect(exporter.stats).toMatchObject({ records: 9, dropped: 0, reconnects: 1 });
});

test("records without collector are dropped beyond the queue's bound, and counted", () => {
  const { exporter, send, said, turnUntil } = exporterTo(`tcp:${HOST}:1`);
  turnUntil(() => said.length > 0);
  const name = "x".repeat(30_000);
  send(2 * 128 + 20, name);
  exporter.finish();
  // Two to a message, and one message more than the queue holds is open when it ends.
  expect(exporter.stats).toMatchObject({ records: 0, messages: 0, dropped: 20 });
  exporter.close();
  expect(exporter.stats.dropped).toBe(276);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain("no collector yet: Connection refused");
});

test("a file waits for the collector instead", () => {
  const collector = new Collector();
  const { exporter, poller, send, turnUntil } = exporterTo(collector.spec, { patient: true });
  const reading: Task = {
    fd: -1,
    events: 0,
    due: 0,
    stage: "outlet",
    run() {
      collector.read();
      reading.due = performance.now() + 1;
    },
  };
  poller.add(reading);
  // Three times what the queue holds.
  send(3 * 2 * 128, "x".repeat(30_000));
  exporter.finish();
  turnUntil(() => exporter.drained && collector.ports.length === 768);
  expect(exporter.stats).toMatchObject({ records: 768, dropped: 0 });
});

test("over UDP a message fits the path, and a record that does not is a datagram of its own", async () => {
  const datagrams: Uint8Array[] = [];
  const socket = await Bun.udpSocket({
    hostname: HOST,
    port: 0,
    socket: { data: (_, bytes) => void datagrams.push(Uint8Array.from(bytes)) },
  });
  cleanup.push(() => socket.close());
  const { exporter, send, turnUntil } = exporterTo(`udp:${HOST}:${socket.port}`);
  send(100);
  send(1, "y".repeat(5000));
  send(1);
  exporter.finish();
  turnUntil(() => exporter.drained);
  for (let i = 0; i < 100 && datagrams.length < exporter.stats.messages; i++) await Bun.sleep(10);
  const decoder = new Decoder();
  const messages = datagrams.map((bytes) => decoder.message(bytes));
  expect(messages[0]!.templates).toEqual([256, 257]);
  expect(messages.flatMap(({ records }) => records)).toHaveLength(102);
  const large = datagrams.filter((bytes) => bytes.length > 1420);
  expect(large).toHaveLength(1);
  expect(exporter.stats).toMatchObject({ records: 102, tooLong: 0, dropped: 0 });
});

test("over UDP templates go out again after many messages", async () => {
  const datagrams: Uint8Array[] = [];
  const socket = await Bun.udpSocket({
    hostname: HOST,
    port: 0,
    socket: { data: (_, bytes) => void datagrams.push(Uint8Array.from(bytes)) },
  });
  cleanup.push(() => socket.close());
  const { exporter, send, turnUntil } = exporterTo(`udp:${HOST}:${socket.port}`);
  turnUntil(() => exporter.stats.messages > 0);
  for (let i = 0; i < 42; i++) {
    send(100, "z".repeat(1300));
    turnUntil(() => true);
    await Bun.sleep(1);
  }
  exporter.finish();
  turnUntil(() => exporter.drained);
  for (let i = 0; i < 100 && datagrams.length < exporter.stats.messages; i++) await Bun.sleep(10);
  const templates = datagrams.filter((bytes) => bytes[17] === 2);
  expect(templates).toHaveLength(2);
});

test("a port that is linked later has its templates sent before its records", () => {
  const collector = new Collector();
  const { exporter, send, turnUntil } = exporterTo(collector.spec);
  turnUntil(() => collector.messages.length === 1);
  const port = new OutputPort("late", parseTemplate("ipaddr SRC_IP,uint16 DST_PORT"));
  exporter.link(port);
  const record = writer(port.template);
  record.begin().setAll({ SRC_IP: "192.0.2.1", DST_PORT: 7 });
  record.end(port.room(record.size));
  port.flush();
  send(1);
  exporter.finish();
  turnUntil(() => collector.messages.length === 3);
  const { messages } = collector;
  expect(messages[1]!.templates).toEqual([256, 257, 258, 259]);
  expect(numberOf(messages[2]!.records[0]!["0/11"])).toBe(7);
});

test("over UDP a refusal is of a message before: the session goes on", async () => {
  const socket = await Bun.udpSocket({ hostname: HOST, port: 0 });
  const { port } = socket;
  socket.close();
  const { exporter, send, turnUntil } = exporterTo(`udp:${HOST}:${port}`);
  turnUntil(() => exporter.stats.messages > 0);
  for (let i = 0; i < 20; i++) {
    send(100);
    exporter.finish();
    turnUntil(() => exporter.drained);
    await Bun.sleep(2);
  }
  expect(exporter.stats).toMatchObject({ records: 2000, dropped: 0, reconnects: 0 });
});
