// SPDX-License-Identifier: BSD-3-Clause
import { Address, swap } from "../../src/core/unirec/ip.ts";

/** `2001:db8::` */
const V6_HEAD = swap(0x20010db8);

/** A biflow as the meter would know it; one object is filled again and again. */
export class Flow {
  readonly source = new Address();
  readonly target = new Address();
  sourcePort = 0;
  targetPort = 0;
  protocol = 0;
  packets = 0;
  packetsReverse = 0;
  bytes = 0;
  bytesReverse = 0;
  flags = 0;
  flagsReverse = 0;
  /** Microseconds since 1970. */
  first = 0;
  last = 0;
  /** Of DNS: the queried name, undefined of other flows; the answer, empty where there was none. */
  name: Uint8Array | undefined;
  answer: Uint8Array = NO_BYTES;
  queryType = 0;
  responseCode = 0;

  /** Hosts by number: IPv4 addresses from 10.0.0.0 on, or IPv6 ones. */
  hosts(source: number, target: number, isV6: boolean): void {
    place(this.source, source, isV6);
    place(this.target, target, isV6);
  }

  protocolAndPorts(protocol: number, sourcePort: number, targetPort: number): void {
    this.protocol = protocol;
    this.sourcePort = sourcePort;
    this.targetPort = targetPort;
    this.name = undefined;
    this.flags = this.flagsReverse = 0;
  }

  /** Packets each way, and bytes of each. */
  forward(packets: number, size: number): void {
    this.packets = packets;
    this.bytes = packets * size;
  }

  reverse(packets: number, size: number): void {
    this.packetsReverse = packets;
    this.bytesReverse = packets * size;
  }
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);

function place(address: Address, host: number, isV6: boolean): void {
  if (!isV6) {
    address.setV4(0x0a000000 + host);
    return;
  }
  address.w0 = V6_HEAD;
  address.w1 = 0;
  address.w2 = 0;
  address.w3 = swap(host);
}
