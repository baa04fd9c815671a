// SPDX-License-Identifier: BSD-3-Clause
import { libpcap } from "./library.ts";
import { checkInteger } from "./pcap-error.ts";

/**
 * libpcap's name of a link type (a DLT_ value): 1 is `"EN10MB"`; undefined if it has none.
 * @throws {PcapError} ERR_PCAP_ARGUMENT, ERR_PCAP_LIBRARY
 */
export function linkTypeName(linkType: number): string | undefined {
  checkInteger("linkType", linkType, 0, 0x7fffffff);
  return libpcap().pcap_datalink_val_to_name(linkType) ?? undefined;
}
