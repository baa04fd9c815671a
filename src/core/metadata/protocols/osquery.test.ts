// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { hostname } from "node:os";
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, tcp } from "../../packet/test-kit.ts";
import { type Frames, protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import osquery from "./osquery.ts";

testProtocol(osquery);

const HERE = "127.0.0.1";
const ACK = 0x18;

const frames = (source: number, target: number, host = HERE): Frames => {
  const packet = ipv4(tcp(source, target, ACK, [1]), {
    source: host,
    target: host,
    protocol: PROTOCOL.tcp,
  });
  return [[1e15, new Uint8Array(ethernet(ETHERTYPE.ipv4, packet))]];
};

const absent = !existsSync("/proc/net/tcp");
test.skipIf(absent)(
  `osquery tells the program of a connection of this host${absent ? " (no /proc/net/tcp)" : ""}`,
  async () => {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const server = createServer().listen(0, HERE);
    await new Promise((done) => server.once("listening", done));
    const { port } = server.address() as { port: number };
    const client = connect(port, HERE, resolve);
    await ready;
    const local = client.localPort!;
    const [row] = protocolRows(osquery, frames(local, port), { compat: true });
    const others = protocolRows(osquery, frames(local, port, "192.0.2.9"), { compat: true });
    client.destroy();
    server.close();
    expect(row).toMatchObject({ OSQUERY_SYSTEM_HOSTNAME: hostname() });
    expect(row!["OSQUERY_PROGRAM_NAME"]).toBeTruthy();
    expect(row!["OSQUERY_USERNAME"]).toBeTruthy();
    expect(others).toEqual([]);
  },
);
