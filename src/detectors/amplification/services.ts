// SPDX-License-Identifier: BSD-3-Clause
import { paramError } from "../../core/errors.ts";

/** Services over UDP that are known to amplify: CISA alert TA14-017A and what was found since. */
const SERVICES = new Map([
  [53, "DNS"],
  [17, "QOTD"],
  [19, "CharGEN"],
  [111, "portmap"],
  [123, "NTP"],
  [137, "NetBIOS"],
  [161, "SNMP"],
  [389, "CLDAP"],
  [520, "RIP"],
  [1434, "MS SQL"],
  [1900, "SSDP"],
  [3283, "ARMS"],
  [3702, "WS-Discovery"],
  [5353, "mDNS"],
  [5683, "CoAP"],
  [10001, "Ubiquiti discovery"],
  [11211, "memcached"],
  [27015, "Steam"],
  [27960, "Quake"],
]);

export const DEFAULT_PORTS = [...SERVICES.keys()].join(",");

/** Ports of a list such as `53,123`, at least one. Throws ERR_PARAM naming what is none. */
export function parsePorts(text: string): number[] {
  return text.split(",").map((item) => {
    const port = item.trim() === "" ? Number.NaN : Number(item);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw paramError(`amplification: ports: expected ports such as "53,123", got "${text}"`);
    return port;
  });
}

/** `UDP port 53 (DNS)`. */
export function serviceText(port: number): string {
  const name = SERVICES.get(port);
  return name === undefined ? `UDP port ${port}` : `UDP port ${port} (${name})`;
}
