// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { libc } from "./libc.ts";
import { POLLIN, POLLOUT } from "./poller.ts";
import { AGAIN, BROKEN, type ByteStream, SocketStream } from "./stream.ts";
import { TlsAuthority, tlsMissing } from "./testing/tls-authority.ts";
import { BROKEN_PIPE } from "./testing/tls-broken-pipe.ts";
import { connectedPair, Pump, turnUntil, waitFor } from "./testing/tls-pump.ts";
import { TlsContext } from "./tls.ts";

const MEGABYTE = 1 << 20;
const skip = tlsMissing !== "";
let authority: TlsAuthority;
let serverContext: TlsContext;
let clientContext: TlsContext;

beforeAll(() => {
  if (skip) return;
  authority = new TlsAuthority();
  serverContext = TlsContext.server(authority.issue("server"));
  clientContext = TlsContext.client(authority.issue("client"));
});
afterAll(() => {
  if (skip) return;
  serverContext.close();
  clientContext.close();
  authority[Symbol.dispose]();
});

/** Closed after each test, for the second time where the test did so. */
let streams: ByteStream[] = [];
afterEach(() => {
  for (const stream of streams) stream.close();
  streams = [];
});

/** Bytes that no two offsets share for long. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function wrappedPair(): { server: ByteStream; client: ByteStream } {
  const { accepted, connected } = connectedPair();
  const pair = { server: serverContext.wrap(accepted), client: clientContext.wrap(connected) };
  streams.push(pair.server, pair.client);
  return pair;
}

/** Two ends past the handshake, each of which has read all that came. */
function establishedPair(): { server: Pump; client: Pump } {
  const { server, client } = wrappedPair();
  const pumps = { server: new Pump(server, "S"), client: new Pump(client, "C") };
  const both = [pumps.server, pumps.client];
  turnUntil(both, () => both.every((pump) => pump.text !== ""));
  return pumps;
}

/** Send both ways at the same time; returns what came. */
function exchange(
  outs: { server: Uint8Array; client: Uint8Array },
  steps: { server: number; client: number },
): { server: Uint8Array; client: Uint8Array } {
  const pair = wrappedPair();
  const server = new Pump(pair.server, outs.server, steps.server);
  const client = new Pump(pair.client, outs.client, steps.client);
  const isDone = () =>
    server.received.length >= outs.client.length && client.received.length >= outs.server.length;
  turnUntil([server, client], () => {
    expect([server.end, client.end]).toEqual([undefined, undefined]);
    return isDone();
  });
  server.stream.close();
  client.stream.close();
  return { server: server.received, client: client.received };
}

const hash = (bytes: Uint8Array) => Bun.SHA256.hash(bytes, "hex");

describe.skipIf(skip)(`TlsStream${tlsMissing}`, () => {
  test("TlsStream carries a megabyte each way at once", () => {
    const outs = { server: noise(MEGABYTE, 1), client: noise(MEGABYTE, 2) };
    const came = exchange(outs, { server: MEGABYTE, client: MEGABYTE });
    expect(hash(came.server)).toBe(hash(outs.client));
    expect(hash(came.client)).toBe(hash(outs.server));
  });

  test("TlsStream carries the same bytes however they are cut", () => {
    const length = fc.integer({ min: 0, max: 60_000 });
    const step = fc.integer({ min: 1, max: 40_000 });
    const property = fc.property(length, length, step, step, (a, b, server, client) => {
      const outs = { server: noise(a, a), client: noise(b, b) };
      // A step of a few bytes makes as many records.
      const steps = { server: Math.max(server, a >> 6, 1), client: Math.max(client, b >> 6, 1) };
      const came = exchange(outs, steps);
      expect(hash(came.server)).toBe(hash(outs.client));
      expect(hash(came.client)).toBe(hash(outs.server));
    });
    fc.assert(property, { seed: 5, numRuns: 10 });
  });

  test("TlsStream gives all that it holds before it wants to wait", () => {
    const { server, client } = establishedPair();
    const bytes = new Uint8Array(new ArrayBuffer(1000)).fill(7);
    expect(client.stream.write(bytes, 0, 1000)).toBe(1000);
    const room = new Uint8Array(new ArrayBuffer(100));
    let read = AGAIN;
    waitFor(() => {
      read = server.stream.read(room, 0, 1);
      return read !== AGAIN;
    });
    let total = read;
    for (;;) {
      read = server.stream.read(room, 0, 100);
      if (read === AGAIN) break;
      total += read;
    }
    expect([total, server.stream.wants]).toEqual([1000, POLLIN]);
  });

  test("TlsStream waits for the peer's part of the handshake, whichever call comes first", () => {
    const { server, client } = wrappedPair();
    const bytes = new Uint8Array(new ArrayBuffer(10));
    expect([server.write(bytes, 0, 10), server.wants]).toEqual([AGAIN, POLLIN]);
    expect([client.write(bytes, 0, 10), client.wants]).toEqual([AGAIN, POLLIN]);
  });

  test("TlsStream wants to write on when a read has ended the handshake", () => {
    const { server, client } = wrappedPair();
    const bytes = new Uint8Array(new ArrayBuffer(8));
    expect([client.write(bytes, 0, 8), client.wants]).toEqual([AGAIN, POLLIN]);
    // Only reads, so that nothing else can bring the handshake to its end.
    waitFor(() => {
      expect([server.read(bytes, 0, 8), client.read(bytes, 0, 8)]).toEqual([AGAIN, AGAIN]);
      return client.wants === (POLLIN | POLLOUT);
    });
    expect(client.write(bytes, 0, 8)).toBe(8);
    expect([client.read(bytes, 0, 8), client.wants]).toEqual([AGAIN, POLLIN]);
  });

  test("TlsStream waits for room when the peer does not read, and goes on from other memory", () => {
    const { server, client } = establishedPair();
    const out = noise(8 * MEGABYTE, 3);
    let sent = 0;
    let written = 0;
    for (;;) {
      written = server.stream.write(out, sent, out.length);
      if (written < 0) break;
      sent += written;
    }
    expect([written, server.stream.wants]).toEqual([AGAIN, POLLOUT]);
    expect(sent).toBeLessThan(out.length);
    // The same bytes elsewhere: the record that is half sent is theirs.
    const rest = new Pump(server.stream, out.slice(sent, sent + 100_000));
    turnUntil([rest, client], () => client.received.length === 1 + sent + 100_000);
    expect(hash(client.received.subarray(1))).toBe(hash(out.subarray(0, sent + 100_000)));
  });

  test("TlsStream takes nothing when it is offered nothing", () => {
    const { server } = establishedPair();
    expect(server.stream.write(new Uint8Array(new ArrayBuffer(8)), 4, 4)).toBe(0);
  });

  test("TlsStream ends when the peer says so, and only then", () => {
    const polite = establishedPair();
    polite.client.stream.close();
    turnUntil([polite.server], () => polite.server.end !== undefined);
    expect([polite.server.end, polite.server.stream.failure]).toEqual(["closed", undefined]);
    polite.server.stream.close();

    const rude = establishedPair();
    libc().shutdown(rude.client.fd, SHUT_RDWR);
    turnUntil([rude.server], () => rude.server.end !== undefined);
    expect(rude.server.end).toBe("broken");
    expect(rude.server.stream.failure).toMatch(/^TLS: .*(eof|gone|reset)/i);
    rude.server.stream.close();
  });

  test("TlsStream that is closed is broken, and closes its descriptor once", () => {
    const { server } = establishedPair();
    const bytes = new Uint8Array(new ArrayBuffer(8));
    server.stream.close();
    // Its number goes to one of the next that are opened.
    const next = Array.from({ length: 4 }, connectedPair).flatMap(Object.values<number>);
    server.stream.close();
    expect(server.stream.read(bytes, 0, 8)).toBe(BROKEN);
    expect(server.stream.write(bytes, 0, 8)).toBe(BROKEN);
    expect(next.map((fd) => libc().close(fd))).toEqual(next.map(() => 0));
  });

  test("TlsStream breaks on bytes that are no TLS, at either end", () => {
    for (const words of [
      "GET / HTTP/1.1\r\n\r\n",
      "trap hello, not of TLS",
      "\x16\x03\x01\xff\xff",
    ]) {
      const asServer = connectedPair();
      const server = new Pump(serverContext.wrap(asServer.accepted));
      const plain = new Pump(new SocketStream(asServer.connected), words);
      const asClient = connectedPair();
      const client = new Pump(clientContext.wrap(asClient.connected));
      const plainServer = new Pump(new SocketStream(asClient.accepted), words);
      turnUntil([server, plain, client, plainServer], () => Boolean(server.end && client.end));
      for (const pump of [server, client]) {
        expect(pump.end).toBe("broken");
        expect(pump.stream.failure).toStartWith("TLS handshake: ");
        // And stays so.
        expect(pump.stream.read(new Uint8Array(new ArrayBuffer(8)), 0, 8)).toBe(BROKEN);
      }
      for (const pump of [server, plain, client, plainServer]) pump.stream.close();
    }
  });

  test("TlsStream refuses TLS 1.1", () => {
    const { accepted, connected } = connectedPair();
    const server = new Pump(serverContext.wrap(accepted));
    const client = new Pump(new SocketStream(connected), clientHello(0x02));
    turnUntil([server, client], () => server.end !== undefined && client.received.length >= 7);
    expect(server.stream.failure).toBe("TLS handshake: unsupported protocol");
    // A fatal alert of protocol_version (RFC 8446 section 6.2).
    expect([...client.received.subarray(5, 7)]).toEqual([2, 70]);
    server.stream.close();
    client.stream.close();
    // The same hello of TLS 1.2 is not refused for its version.
    const newer = connectedPair();
    const other = new Pump(serverContext.wrap(newer.accepted));
    const newClient = new Pump(new SocketStream(newer.connected), clientHello(0x03));
    turnUntil([other, newClient], () => newClient.received.length >= 7);
    expect([...newClient.received.subarray(5, 7)]).not.toEqual([2, 70]);
    other.stream.close();
    newClient.stream.close();
  });

  test("TlsStream breaks, never throws, on any bytes in place of a handshake", () => {
    const property = fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const { accepted, connected } = connectedPair();
      const server = new Pump(serverContext.wrap(accepted));
      const plain = new SocketStream(connected);
      const out = new Uint8Array(new ArrayBuffer(bytes.length));
      out.set(bytes);
      expect(plain.write(out, 0, out.length)).toBe(out.length);
      libc().shutdown(connected, SHUT_WR);
      turnUntil([server], () => server.end !== undefined);
      expect(server.end).toBe("broken");
      server.stream.close();
      plain.close();
    });
    fc.assert(property, { seed: 9, numRuns: 40 });
  });

  test("TlsStream breaks when the peer goes in the middle of the handshake", () => {
    const { server, client } = wrappedPair();
    const room = new Uint8Array(new ArrayBuffer(8));
    // The client's first message is on its way, and the client gone.
    expect(client.read(room, 0, 8)).toBe(AGAIN);
    client.close();
    const pump = new Pump(server, "hello");
    turnUntil([pump], () => pump.end !== undefined);
    expect(pump.end).toBe("broken");
    expect(pump.stream.failure).toMatch(/^TLS handshake: .*(eof|gone|reset|pipe)/i);
    server.close();
  });

  test("TlsStream survives a peer that goes while it writes, even where SIGPIPE would kill", () => {
    const files = authority.issue("writer");
    const { stdout, stderr, exitCode, signalCode } = Bun.spawnSync([
      process.execPath,
      BROKEN_PIPE,
      files.key,
      files.cert,
      files.ca,
    ]);
    expect([String(stderr), signalCode ?? null, exitCode]).toEqual(["", null, 0]);
    expect(String(stdout)).toBe("TLS: Broken pipe (32)\n");
  });
});

/** The first message of a client that speaks TLS up to 1.`minor - 1` (RFC 4346 section 7.4.1.2). */
function clientHello(minor: number): Uint8Array {
  const ciphers = [0xc0, 0x09, 0xc0, 0x13, 0x00, 0x2f];
  const body = [3, minor, ...noise(32, 4), 0, 0, ciphers.length, ...ciphers, 1, 0];
  const message = [1, 0, 0, body.length, ...body];
  return new Uint8Array([22, 3, 1, 0, message.length, ...message]);
}

const SHUT_WR = 1;
const SHUT_RDWR = 2;
