// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { CaptureWriter } from "../../core/capture-file/testing/writer.ts";
import { Mapping } from "../../core/ipfix/collect/mapping.ts";
import {
  bytesOf,
  ipfix,
  LAYOUT,
  netflow5,
  netflow9,
  set,
  template,
} from "../../core/ipfix/collect/testing/messages.ts";
import { TlsAuthority, tlsMissing } from "../../core/net/testing/tls-authority.ts";
import { ETHERTYPE, ethernet, ipv4, udp } from "../../core/packet/test-kit.ts";
import {
  counters,
  datagram,
  flow,
  header,
  interfaceCounters,
  tcp4,
  udp6,
} from "../../core/sflow/testing/datagrams.ts";
import { readTime } from "../../core/unirec/time.ts";
import { RecordWriter } from "../../core/unirec/writer.ts";
import { Collecting, type CollectingOptions } from "./collecting.ts";

const folder = mkdtempSync(join(tmpdir(), "nemean-collecting-"));
afterAll(() => rmSync(folder, { recursive: true }));

const HOST = "127.0.0.1";
const TEMPLATE = set(2, template(256, [[7, 2]]));
const data = (...ports: readonly number[]): Buffer =>
  set(256, ...ports.map((port) => bytesOf([port, 2])));
const bytes = (view: DataView): Buffer =>
  Buffer.from(view.buffer, view.byteOffset, view.byteLength);
const AT = (name: string): number => LAYOUT.fields.find((field) => field.name === name)!.offset;

/** Collects, and keeps of each flow its source port, and when it ended. */
class Collected implements Disposable {
  readonly ports: number[] = [];
  /** When they ended, microseconds since 1970. */
  readonly times: number[] = [];
  readonly warnings: string[] = [];
  readonly collecting: Collecting;

  constructor(listen: string, options: Partial<CollectingOptions> = {}) {
    const record = new RecordWriter(LAYOUT);
    const push = (): void => {
      this.ports.push(record.view.getUint16(AT("SRC_PORT"), true));
      this.times.push(readTime(record.view, AT("TIME_LAST")));
    };
    this.collecting = new Collecting(
      { record, push },
      {
        listen,
        mapping: new Mapping(),
        scale: true,
        templates: "",
        buffer: 1,
        templateMemory: 8,
        heldMemory: 4,
        exporters: 4096,
        connections: 256,
        warn: (message) => this.warnings.push(message),
        ...options,
      },
    );
  }

  get port(): number {
    return this.collecting.ports[0]!;
  }

  get counts() {
    return this.collecting.counts;
  }

  /** Let the collector work until that holds. */
  async until(holds: () => boolean): Promise<void> {
    const end = performance.now() + 10_000;
    while (!holds()) {
      if (performance.now() > end) throw new Error(`still not so: ${holds}`);
      this.collecting.produce();
      await Bun.sleep(1);
    }
  }

  [Symbol.dispose](): void {
    this.collecting.end();
  }
}

describe("Collecting from UDP", () => {
  test("takes datagrams of several exporters and ports, each with the templates of its address", async () => {
    using collected = new Collected(`udp:${HOST}:0,udp:[::1]:0`);
    const [four, six] = collected.collecting.ports;
    const v4 = await Bun.udpSocket({ hostname: HOST });
    const v6 = await Bun.udpSocket({ hostname: "::1" });
    v4.send(bytes(ipfix([TEMPLATE, data(1, 2)])), four!, HOST);
    v6.send(bytes(ipfix([data(9)])), six!, "::1");
    await collected.until(() => collected.counts["datagrams"] === 2);
    expect(collected.ports).toEqual([1, 2]);
    v6.send(bytes(ipfix([TEMPLATE])), six!, "::1");
    await collected.until(() => collected.ports.length === 3);
    expect(collected.counts).toMatchObject({
      records: 3,
      templates: 2,
      kernel_drops: 0,
      sets_held: 0,
    });
    v4.close();
    v6.close();
  });

  test("takes sFlow beside NetFlow and IPFIX on one port, at the time at which it comes", async () => {
    using collected = new Collected(`udp:${HOST}:0`);
    const socket = await Bun.udpSocket({ hostname: HOST });
    const began = Date.now() * 1000;
    for (const message of [
      bytes(netflow5([Buffer.alloc(48)])),
      datagram([flow([header(tcp4(40_000, 443))]), counters(interfaceCounters(1))]),
      bytes(ipfix([TEMPLATE, data(1)])),
      datagram([flow([header(udp6(5000, 53))], { drops: 7 })], { sequence: 4 }),
    ])
      socket.send(message, collected.port, HOST);
    await collected.until(() => collected.counts["datagrams"] === 4);
    expect(collected.ports).toEqual([0, 40_000, 1, 5000]);
    expect(collected.times.at(-1)).toBeWithin(began, Date.now() * 1000 + 1000);
    expect(collected.counts).toMatchObject({
      messages: 4,
      messages_foreign: 0,
      malformed: 0,
      records: 4,
      flow_samples: 2,
      counter_samples: 1,
      interface_counters: 1,
      sequence_lost: 2,
    });
    socket.close();
  });

  test("counts exactly the datagrams that the kernel dropped", async () => {
    using collected = new Collected(`udp:${HOST}:0`);
    const socket = await Bun.udpSocket({ hostname: HOST });
    const message = bytes(netflow5(Array(30).fill(Buffer.alloc(48))));
    const SENT = 5000;
    for (let i = 0; i < SENT; i++)
      while (!socket.send(message, collected.port, HOST)) await Bun.sleep(1);
    await collected.until(
      () => collected.counts["datagrams"]! + collected.counts["kernel_drops"]! === SENT,
    );
    expect(collected.counts["kernel_drops"]).toBeGreaterThan(0);
    expect(collected.counts["records"]).toBe(30 * collected.counts["datagrams"]!);
    socket.close();
  });

  test("takes a datagram of the largest size whole", async () => {
    using collected = new Collected(`udp:${HOST}:0`);
    const socket = await Bun.udpSocket({ hostname: HOST });
    const ports = Array.from({ length: 32_000 }, (_, i) => i);
    socket.send(bytes(ipfix([TEMPLATE, data(...ports)])), collected.port, HOST);
    await collected.until(() => collected.ports.length > 0);
    expect(collected.ports).toEqual(ports);
    expect(collected.counts["datagrams_truncated"]).toBe(0);
    socket.close();
  });

  test("shares a port with another collector", () => {
    using first = new Collected(`udp:${HOST}:0`);
    using second = new Collected(`udp:${HOST}:${first.port}`);
    expect(second.port).toBe(first.port);
  });

  test("waits where nothing comes, and does not spin", () => {
    using collected = new Collected(`udp:${HOST}:0`);
    const began = performance.now();
    for (let i = 0; i < 5; i++) expect(collected.collecting.produce()).toBe(0);
    expect(performance.now() - began).toBeGreaterThan(200);
  });
});

/** A connection that is open. */
const opened = async (socket: Socket, event: string): Promise<Socket> => {
  await new Promise((resolve) => socket.once(event, resolve));
  return socket;
};

describe("Collecting from TCP", () => {
  test("takes messages however they are cut, and forgets a connection's templates with it", async () => {
    using collected = new Collected(`tcp:${HOST}:0`);
    const socket = await opened(connectTcp(collected.port, HOST), "connect");
    const message = bytes(ipfix([TEMPLATE, data(1, 2)]));
    for (const byte of message) socket.write(Uint8Array.of(byte));
    socket.write(bytes(ipfix([data(3)])));
    await collected.until(() => collected.ports.length === 3);
    expect([collected.ports, collected.counts["templates"]]).toEqual([[1, 2, 3], 1]);
    socket.end();
    await collected.until(() => collected.counts["templates"] === 0);
    expect(collected.warnings).toEqual([]);
  });

  test("keeps the templates of two connections from one address apart", async () => {
    using collected = new Collected(`tcp:${HOST}:0`);
    const [a, b] = [
      await opened(connectTcp(collected.port, HOST), "connect"),
      await opened(connectTcp(collected.port, HOST), "connect"),
    ];
    a.write(bytes(ipfix([set(2, template(256, [[11, 2]]))])));
    b.write(bytes(ipfix([TEMPLATE])));
    await collected.until(() => collected.counts["templates"] === 2);
    a.write(bytes(ipfix([data(5)])));
    b.write(bytes(ipfix([data(6)])));
    await collected.until(() => collected.ports.length === 2);
    expect(collected.ports.toSorted()).toEqual([0, 6]);
    for (const socket of [a, b]) socket.destroy();
  });

  test("closes a connection that sends something else, and says so", async () => {
    using collected = new Collected(`tcp:${HOST}:0`);
    const socket = await opened(connectTcp(collected.port, HOST), "connect");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await collected.until(() => collected.warnings.length > 0);
    socket.resume();
    await closed;
    expect(collected.warnings[0]).toMatch(
      /^tcp 127\.0\.0\.1:\d+: it sends something that is no IPFIX/,
    );
  });

  test("turns away who comes when all connections are taken", async () => {
    using collected = new Collected(`tcp:${HOST}:0`, { connections: 1 });
    const first = await opened(connectTcp(collected.port, HOST), "connect");
    await collected.until(() => collected.counts["connections"] === 1);
    const second = connectTcp(collected.port, HOST);
    await collected.until(() => collected.counts["connections_refused"] === 1);
    for (const socket of [first, second]) socket.destroy();
  });

  test.skipIf(tlsMissing !== "")(
    `takes messages over TLS from who has a certificate, and from nobody else${tlsMissing}`,
    async () => {
      using authority = new TlsAuthority();
      const own = authority.issue("collector");
      const peer = authority.issue("exporter");
      using collected = new Collected(`tls:${HOST}:0:${own.key}:${own.cert}:${own.ca}`);
      const ca = readFileSync(own.ca);
      const files = { key: readFileSync(peer.key), cert: readFileSync(peer.cert) };
      const to = { port: collected.port, host: HOST, ca, checkServerIdentity: () => undefined };
      const stranger = connectTls(to);
      stranger.on("error", () => {});
      const socket = connectTls({ ...to, ...files });
      socket.write(bytes(ipfix([TEMPLATE, data(1, 2)])));
      await collected.until(() => collected.ports.length === 2 && collected.warnings.length > 0);
      expect(collected.warnings).toHaveLength(1);
      expect(collected.warnings[0]).toContain("TLS handshake");
      for (const each of [stranger, socket]) each.destroy();
    },
  );
});

describe("Collecting from files", () => {
  const run = (collected: Collected): void => {
    while (collected.collecting.produce() !== undefined);
  };

  test("reads IPFIX files one after another, and then ends", () => {
    const [first, second] = [join(folder, "a.ipfix"), join(folder, "b.ipfix")];
    writeFileSync(first, Buffer.concat([bytes(ipfix([TEMPLATE])), bytes(ipfix([data(1, 2)]))]));
    writeFileSync(second, bytes(ipfix([TEMPLATE, data(3)])));
    using collected = new Collected(`file:${first},file:${second}`);
    run(collected);
    expect([collected.ports, collected.warnings]).toEqual([[1, 2, 3], []]);
  });

  test("takes what a damaged file has in front of the damage, and says where it ends", () => {
    const good = bytes(ipfix([TEMPLATE, data(1)]));
    const [cut, other] = [join(folder, "cut.ipfix"), join(folder, "other.ipfix")];
    writeFileSync(cut, Buffer.concat([good, good.subarray(0, 20)]));
    writeFileSync(other, Buffer.concat([good, Buffer.alloc(64)]));
    using collected = new Collected(`file:${cut},file:${other}`);
    run(collected);
    expect(collected.ports).toEqual([1, 1]);
    expect(collected.warnings).toEqual([
      `file:${cut}: ends within a message, of which it has 20 bytes`,
      `file:${other}: no IPFIX from message 2 on`,
    ]);
    expect(() => new Collected(`file:${join(folder, "none")}`)).toThrow("cannot read");
  });

  test("decodes the export traffic of a capture, and passes what is none", () => {
    const path = join(folder, "export.pcap");
    const capture = new CaptureWriter();
    const send = (source: string, payload: Buffer): void => {
      const frame = ethernet(ETHERTYPE.ipv4, ipv4(udp(50_000, 2055, [...payload]), { source }));
      capture.append(1e15, Uint8Array.from(frame));
    };
    send("10.0.0.1", bytes(netflow9([set(0, template(256, [[7, 2]])), data(1)])));
    send("10.0.0.2", bytes(netflow9([data(7)])));
    send("10.0.0.1", Buffer.from("hello"));
    send("10.0.0.1", bytes(netflow9([data(2)])));
    writeFileSync(path, capture.bytes());
    using collected = new Collected(`pcap:${path}`);
    run(collected);
    expect(collected.ports).toEqual([1, 2]);
    expect(collected.counts).toMatchObject({ datagrams: 3, sets_held: 1 });
  });
});

test("Collecting dates the sFlow of a capture by when it was captured", () => {
  const path = join(folder, "sflow.pcap");
  const capture = new CaptureWriter();
  const send = (micros: number, payload: Uint8Array): void => {
    const frame = ethernet(ETHERTYPE.ipv4, ipv4(udp(50_000, 6343, [...payload])));
    capture.append(micros, Uint8Array.from(frame));
  };
  send(1e15, datagram([flow([header(tcp4(1, 2))])]));
  send(1e15 + 17, datagram([flow([header(tcp4(3, 4))])], { sequence: 2 }));
  // sFlow v4, which is another format.
  send(1e15 + 18, Buffer.from("0000000400000001c0000201", "hex"));
  writeFileSync(path, capture.bytes());
  using collected = new Collected(`pcap:${path}`);
  while (collected.collecting.produce() !== undefined);
  expect([collected.ports, collected.times]).toEqual([
    [1, 3],
    [1e15, 1e15 + 17],
  ]);
  expect(collected.counts).toMatchObject({ datagrams: 2, records: 2, sequence_lost: 0 });
});

test("Collecting begins with the templates that it had before a restart", async () => {
  const templates = join(folder, "templates.json");
  const socket = await Bun.udpSocket({ hostname: HOST });
  {
    using collected = new Collected(`udp:${HOST}:0`, { templates });
    socket.send(bytes(ipfix([TEMPLATE])), collected.port, HOST);
    await collected.until(() => collected.counts["templates"] === 1);
  }
  using collected = new Collected(`udp:${HOST}:0`, { templates });
  socket.send(bytes(ipfix([data(4)])), collected.port, HOST);
  await collected.until(() => collected.ports.length === 1);
  expect(collected.ports).toEqual([4]);
  socket.close();
});

test("Collecting says what is wrong with its sources, and leaves no port open", () => {
  expect(() => new Collected("")).toThrow("--listen");
  using taken = new Collected(`tcp:${HOST}:0`);
  expect(() => new Collected(`udp:${HOST}:0,tcp:${HOST}:${taken.port}`)).toThrow("cannot listen");
  expect(() => new Collected("udp:192.0.2.77:0")).toThrow("cannot listen on udp:192.0.2.77:0");
});
