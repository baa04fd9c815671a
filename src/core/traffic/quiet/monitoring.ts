// SPDX-License-Identifier: BSD-3-Clause
import type { Host } from "../host.ts";
import { octets } from "../messages.ts";
import { DOMAIN, type Names } from "./names.ts";
import type { Phrases } from "./phrases.ts";
import type { Scene } from "./scene.ts";

const ROUND_SECONDS = 60;
const PORT_SNMP = 161;
const SITES = 8;
const STATUS = ["HEAD /status HTTP/1.1", "User-Agent: check_http/v2.3.3", "Connection: close"];

/** One host that asks each other every minute whether it is well, and some sites of the Internet. */
export function enterMonitoring(scene: Scene, phrases: Phrases, names: Names): void {
  const { office, servers, printers, everyone, off } = scene.network;
  const client = office.monitor;
  const round = (begin: (now: number) => void): void => scene.every(ROUND_SECONDS, begin, 0.0005);
  for (const [i, server] of [...everyone, ...off].entries()) {
    const isOff = off.includes(server);
    round((now) => (isOff ? unanswered(scene, now, server) : scene.ping(now, client, server, i)));
  }
  for (const server of [...servers, ...printers]) {
    const request = octets(snmp(0xa0, []));
    const response = octets(
      snmp(
        0xa2,
        Array.from({ length: 90 }, (_, i) => i),
      ),
    );
    round((now) => scene.udp(now, { client, server, port: PORT_SNMP, request, response }));
  }
  for (const [i, server] of servers.entries()) {
    const exchanges = [{ ask: 180, answer: 420, wait: 2000 }];
    const dialogue = phrases.tls("agent", `srv${i}.${DOMAIN}`, exchanges);
    round((now) => scene.tcp(now, { client, server, port: 443, dialogue }));
  }
  for (const { name, host } of names.sites.slice(0, SITES)) {
    const secure = phrases.tls("agent", name, [{ ask: 160, answer: 900, wait: 2000 }]);
    const plain = phrases.http([STATUS[0]!, `Host: ${name}`, ...STATUS.slice(1)], 200);
    round((now) => scene.tcp(now, { client, server: host, port: 443, dialogue: secure }));
    round((now) => scene.tcp(now, { client, server: host, port: 80, dialogue: plain }));
  }
}

/** A host that is switched off is asked by a service's port, in vain. */
function unanswered(scene: Scene, now: number, server: Host): void {
  const client = scene.network.office.monitor;
  scene.tcp(now, { client, server, port: 22, outcome: "silent", retries: 1, version: 4 });
}

/** A request or response of SNMP for a variable, version 2c (RFC 3416 section 3), its values noise. */
function snmp(kind: number, value: readonly number[]): number[] {
  const sized = (tag: number, content: readonly number[]): number[] =>
    content.length < 128
      ? [tag, content.length, ...content]
      : [tag, 0x81, content.length, ...content];
  const variable = sized(0x30, [
    ...sized(6, [0x2b, 6, 1, 2, 1, 1, 3, 0]),
    ...(value.length === 0 ? [5, 0] : sized(4, value)),
  ]);
  const body = [...[2, 1, 7], ...[2, 1, 0], ...[2, 1, 0], ...sized(0x30, variable)];
  const community = [...new TextEncoder().encode("public")];
  return sized(0x30, [...[2, 1, 1], ...sized(4, community), ...sized(kind, body)]);
}
