// SPDX-License-Identifier: BSD-3-Clause
import { dhcp, octets } from "../messages.ts";
import type { Scene } from "./scene.ts";

const PORT_NTP = 123;
const PORT_DHCP_SERVER = 67;
const PORT_DHCP_CLIENT = 68;
/** Seconds between renewals: half of a lease of two hours (RFC 2131 section 4.4.5). */
const RENEWAL_SECONDS = 3600;
/** Polls of 64 to 1024 s, as exponents of two (RFC 5905 section 7.3). */
const POLL = { least: 6, most: 10 } as const;

/** Time for everybody, each at its own rate: most from the directory, which has it from outside. */
export function enterClocks(scene: Scene): void {
  const { random } = scene.stage;
  const { everyone, resolvers, clocks } = scene.network;
  for (const client of everyone) {
    const isSource = resolvers.includes(client);
    const exponent = random.between(POLL.least, POLL.most);
    const server = isSource || scene.chance(0.1) ? scene.pick(clocks) : resolvers[client.ipv4 & 1]!;
    const zeros = (count: number): number[] => new Array<number>(count).fill(0);
    scene.every(
      2 ** exponent,
      (now) =>
        scene.udp(now, {
          client,
          server,
          sourcePort: PORT_NTP,
          port: PORT_NTP,
          request: octets([0x23, 0, exponent, 0xec, ...zeros(36), ...random.bytes(8)]),
          response: octets([0x24, 2, exponent, 0xe8, ...zeros(12), ...random.bytes(32)]),
        }),
      0.01,
    );
  }
}

/** Addresses renewed once an hour; a few hosts come in and ask all (RFC 2131 section 4.4.1). */
export function enterLeases(scene: Scene): void {
  const { random } = scene.stage;
  const { clients, phones, printers, resolvers, broadcast } = scene.network;
  const lease = { sourcePort: PORT_DHCP_CLIENT, port: PORT_DHCP_SERVER, version: 4 } as const;
  for (const client of [...clients, ...phones, ...printers]) {
    const transaction = random.bytes(4);
    scene.every(RENEWAL_SECONDS, (now) =>
      scene.udp(now, {
        ...lease,
        client,
        server: resolvers[0],
        request: dhcp(client, transaction, { operation: 1, type: 3 }),
        response: dhcp(client, transaction, { operation: 2, type: 5 }),
      }),
    );
  }
  scene.often(90, (now) => {
    const client = scene.pick(clients);
    const request = dhcp(client, random.bytes(4), { operation: 1, type: 8 });
    scene.udp(now, { ...lease, client, server: broadcast, request });
  });
}
