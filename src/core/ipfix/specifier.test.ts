// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { parseIpfix } from "./specifier.ts";

test.each([
  ["tcp:collector:9995", "tcp", "collector", "9995"],
  ["udp:192.0.2.1", "udp", "192.0.2.1", "4739"],
  ["tcp:[2001:db8::1]:4739", "tcp", "2001:db8::1", "4739"],
])("parseIpfix reads %s", (text, transport, host, port) => {
  expect(parseIpfix(text)).toMatchObject({ text, transport, host, port, tls: undefined });
});

test("parseIpfix reads the files of TLS, with a port and without", () => {
  const tls = { key: "k.pem", cert: "c.pem", ca: "ca.pem" };
  expect(parseIpfix("tls:host:4000:k.pem:c.pem:ca.pem")).toMatchObject({ port: "4000", tls });
  expect(parseIpfix("tls:host:k.pem:c.pem:ca.pem")).toMatchObject({ port: "4740", tls });
});

test.each([
  ["sctp:host:1", /write tcp:HOST:PORT/],
  ["tcp", /write tcp:HOST:PORT/],
  ["tcp:", /write tcp:HOST:PORT/],
  ["tcp:host:port", /write tcp:HOST:PORT/],
  ["tcp:2001:db8::1:1", /write tcp:HOST:PORT/],
  ["tcp:host:0", /port 0: expected 1 to 65535/],
  ["udp:host:65536", /port 65536: expected 1 to 65535/],
  ["tls:host:4740", /tls needs three PEM files/],
  ["tcp:host:1:k:c:a", /tls needs three PEM files/],
])("parseIpfix refuses %s", (text, why) => {
  expect(() => parseIpfix(text)).toThrow(why);
});
