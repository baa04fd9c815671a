// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { parseListen } from "./listen.ts";

test("parseListen takes sockets and files, with the ports of IPFIX where none is given", () => {
  const specs = parseListen(
    "udp:0.0.0.0:2055, udp:[::1],tcp:probe.example.org,tls:[::]:4740:k.pem:c.pem:ca.pem,file:a/b.ipfix,pcap:-",
  );
  expect(specs.map(({ text: _, ...spec }) => spec)).toEqual([
    { kind: "udp", host: "0.0.0.0", port: "2055" },
    { kind: "udp", host: "::1", port: "4739" },
    { kind: "tcp", host: "probe.example.org", port: "4739" },
    { kind: "tls", host: "::", port: "4740", tls: { key: "k.pem", cert: "c.pem", ca: "ca.pem" } },
    { kind: "file", path: "a/b.ipfix" },
    { kind: "pcap", path: "-" },
  ]);
  expect(parseListen(" , ")).toEqual([]);
});

test.each([
  ["sctp:0.0.0.0:4739", "no SCTP"],
  ["0.0.0.0:4739", "write udp:HOST:PORT"],
  ["udp:::1:4739", "write udp:HOST:PORT"],
  ["udp:0.0.0.0:70000", "expected 0 to 65535"],
  ["tls:0.0.0.0:4740", "three PEM files"],
  ["udp:0.0.0.0:4740:a:b:c", "the others none"],
])("parseListen says what is wrong with %s", (text, message) => {
  expect(() => parseListen(text)).toThrow(message);
});
