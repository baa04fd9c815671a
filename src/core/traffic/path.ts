// SPDX-License-Identifier: BSD-3-Clause
import type { Host, IpVersion } from "./host.ts";

/** One way between two hosts, as the tap sees it: the addresses of each frame's headers. */
export interface Path {
  readonly source: Host;
  readonly target: Host;
  readonly version: IpVersion;
  /** VLAN id of the frames, 0 for untagged. */
  readonly vlan: number;
  readonly sourceMac: readonly [number, number];
  readonly targetMac: readonly [number, number];
}

/** Both ways of a conversation. */
export interface Route {
  /** From client to server. */
  readonly forth: Path;
  /** From server to client. */
  readonly back: Path;
}

/**
 * The route between two hosts through the tap, which mirrors the client's segment, or the server's when
 * the client is outside. A host of another segment is seen with the gateway's MAC address.
 */
export function route(client: Host, server: Host, version: IpVersion, gateway: Host): Route {
  const near = client.local ? client : server;
  const vlan = near.vlan;
  const macOf = (host: Host): readonly [number, number] =>
    host === near || isGroup(host) || (host.local && host.vlan === vlan) ? host.mac : gateway.mac;
  const clientMac = macOf(client);
  const serverMac = macOf(server);
  return {
    forth: {
      source: client,
      target: server,
      version,
      vlan,
      sourceMac: clientMac,
      targetMac: serverMac,
    },
    back: {
      source: server,
      target: client,
      version,
      vlan,
      sourceMac: serverMac,
      targetMac: clientMac,
    },
  };
}

/** A multicast address stands for a group that is on every segment (the I/G bit of IEEE 802). */
const isGroup = (host: Host): boolean => (host.mac[0] & 0x0100) !== 0;
