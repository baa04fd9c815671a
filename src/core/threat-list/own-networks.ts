// SPDX-License-Identifier: BSD-3-Clause
import type { Ip } from "../unirec/types.ts";
import { Networks } from "./networks.ts";

/**
 * What is no host of the Internet: this network, private, shared (RFC 6598), loopback, link-local, multicast, broadcast; of IPv6 unspecified,
 * loopback, unique local, link-local, multicast.
 */
const NOWHERE = new Networks(
  "0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,192.168.0.0/16,224.0.0.0/3,::/127,fc00::/7,fe80::/10,ff00::/8",
  "",
  "",
);

/** Where hosts are: in networks of one's own, elsewhere in the Internet, or neither. */
export class OwnNetworks {
  readonly #own: Networks | undefined;

  /** @throws {NemeanError} ERR_PARAM that names the module, `param` and the prefix */
  constructor(text: string, module: string, param: string) {
    if (text.trim() !== "") this.#own = new Networks(text, module, param);
  }

  /** Whether traffic of this host is looked at: of anybody's, where no networks are named. */
  mayAsk(ip: Ip): boolean {
    return this.#own?.has(ip) ?? true;
  }

  /** Whether the host is outside. */
  isOutside(ip: Ip): boolean {
    return !(NOWHERE.has(ip) || this.#own?.has(ip));
  }
}
