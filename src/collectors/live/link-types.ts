// SPDX-License-Identifier: BSD-3-Clause

/** What a packet socket's frames begin with on a kind of hardware. */
export interface LinkType {
  /** Number in capture files. */
  readonly linkType: number;
  /** libpcap's number, where it is another one. */
  readonly dlt: number;
  /** Bytes of the link-layer header. */
  readonly header: number;
}

const ETHERNET: LinkType = { linkType: 1, dlt: 1, header: 14 };
const RAW_IP: LinkType = { linkType: 101, dlt: 12, header: 0 };

/** By ARPHRD_ value, linux/if_arp.h. The rest is left to libpcap, which knows dozens of them. */
const BY_HARDWARE = new Map<number, LinkType>([
  [1, ETHERNET], // ETHER
  [772, ETHERNET], // LOOPBACK
  [519, RAW_IP], // RAWIP
  [768, RAW_IP], // TUNNEL: IP in IP
  [769, RAW_IP], // TUNNEL6
  [776, RAW_IP], // SIT
  [65534, RAW_IP], // NONE: tun, WireGuard
]);

/** How frames of this hardware (ARPHRD_ value) begin; undefined when it is not known here. */
export const linkTypeOf = (hardware: number): LinkType | undefined => BY_HARDWARE.get(hardware);

const LINKTYPE_OF_DLT = new Map([[12, 101]]);

/** LINKTYPE_ value of capture files for libpcap's DLT_ value: they differ for raw IP alone, of those decoded. */
export const linkTypeOfDlt = (dlt: number): number => LINKTYPE_OF_DLT.get(dlt) ?? dlt;
