// SPDX-License-Identifier: BSD-3-Clause
import { type Reader, uniflow } from "../../core/unirec/template.ts";

export const flows = uniflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, time TIME_FIRST, time TIME_LAST, ?uint16 L4_ICMP_TYPE_CODE
`);
export type Flow = Reader<typeof flows>;

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMP6 = 58;

const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
/** ECE and CWR (RFC 3168 6.1.1) say nothing of who asked. */
const FLAGS = 0x3f;

/** What a flow is: nothing that answers, or what a host sends to whom it takes for its client. */
export const NONE = 0;
export const SYN_ACK = 1;
export const RESET = 2;
export const ECHO = 3;
export const ERROR = 4;

/** Flags of all packets of the flow together: with any other flag there was a connection. */
export function tcpResponse(flags: number): number {
  switch (flags & FLAGS) {
    case SYN | ACK:
    case SYN | ACK | RST: // given up after its SYN-ACKs
      return SYN_ACK;
    case RST:
    case RST | ACK:
      return RESET;
    default:
      return NONE;
  }
}

/** By type: echo reply, destination unreachable, time exceeded (RFC 792; RFC 4443). */
export function icmpResponse(protocol: number, type: number): number {
  if (protocol === ICMP) {
    if (type === 0) return ECHO;
    return type === 3 || type === 11 ? ERROR : NONE;
  }
  if (type === 129) return ECHO;
  return type === 1 || type === 3 ? ERROR : NONE;
}

/** What a flow is. */
export function responseOf(flow: Flow): number {
  const protocol = flow.PROTOCOL;
  if (protocol === TCP) return tcpResponse(flow.TCP_FLAGS);
  if (protocol !== ICMP && protocol !== ICMP6) return NONE;
  // Exporters of NetFlow have type and code in place of the target's port; of those that have 0 there nobody knows whether it is an echo reply.
  const typeCode = flow.has.L4_ICMP_TYPE_CODE ? flow.L4_ICMP_TYPE_CODE : flow.DST_PORT;
  if (typeCode === 0 && !flow.has.L4_ICMP_TYPE_CODE) return NONE;
  return icmpResponse(protocol, typeCode >>> 8);
}
