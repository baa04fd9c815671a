// SPDX-License-Identifier: BSD-3-Clause
import { mix32 } from "./random.ts";

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;

const SERVER_PORTS = new Uint16Array([80, 443, 53, 123, 22, 25, 8080, 993]);

/** Flow ids beyond this would share a client address. */
export const FLOWS_MAX = 1 << 24;

/**
 * The attributes of a generated flow: a pure function of its id, so that no table is kept.
 *
 * No two ids share a Flow Key, by construction. The client is 10.0.0.0/8 (or 2001:db8::/96) plus the
 * id times an odd number modulo 2^24, which is a bijection; the server is always outside that network,
 * so a flow never equals another one read backwards.
 */
export class FlowModel {
  v6 = false;
  /** The 802.1Q VLAN id, 0 when untagged. */
  vlan = 0;
  protocol = TCP;
  /** The low 32 bits of the client's address. */
  client = 0;
  /** The low 32 bits of the server's address. */
  server = 0;
  clientPort = 0;
  serverPort = 0;
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = mix32(seed);
  }

  /** Sets the fields to those of flow `id`, 0 <= id < FLOWS_MAX. */
  select(id: number): void {
    const kind = mix32(id ^ this.seed);
    const detail = mix32(kind ^ 0x9e3779b9);
    this.v6 = kind % 100 < 15;
    const tenth = (detail >>> 8) % 10;
    if (tenth < 6) this.protocol = TCP;
    else if (tenth < 9) this.protocol = UDP;
    else this.protocol = this.v6 ? ICMPV6 : ICMP;
    this.vlan = mix32(detail) % 100 < 10 ? 100 + (kind >>> 29) : 0;
    this.client = (0x0a000000 | (Math.imul(id, 0x9e3779b1) & 0xffffff)) >>> 0;
    this.server = (0x80000000 | (detail & 0x3fffffff)) >>> 0;
    const ports = this.protocol === TCP || this.protocol === UDP;
    this.clientPort = ports ? 1024 + ((kind >>> 8) % 60_000) : 0;
    this.serverPort = ports ? SERVER_PORTS[detail >>> 29]! : 0;
  }
}
