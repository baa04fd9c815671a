// SPDX-License-Identifier: BSD-3-Clause
import { Ethtool } from "./ethtool.ts";
import { findLink, listLinks } from "./links.ts";

/** An interface one could capture on. */
export interface InterfaceSummary {
  readonly name: string;
  readonly up: boolean;
  /** There is a signal on the line. */
  readonly carrier: boolean;
  readonly loopback: boolean;
}

/** All that bears on whether a capture sees what was on the wire. What the driver does not tell is undefined. */
export interface InterfaceReport extends InterfaceSummary {
  readonly exists: true;
  /** Somebody asked for promiscuous mode, perhaps a capture that runs. */
  readonly promiscuous: boolean;
  readonly mtu: number;
  /** Name of the driver. */
  readonly driver: string | undefined;
  /** Megabits a second. */
  readonly speed: number | undefined;
  /**
   * Received packets are merged before a capture sees them, by the kernel (gro), by the card (groHardware, lro):
   * a flow then has fewer packets than on the wire, and fewer bytes by their headers.
   */
  readonly gro: boolean | undefined;
  readonly groHardware: boolean | undefined;
  readonly lro: boolean | undefined;
  /** Packets sent are cut only after a capture has seen them: matters where the machine's own traffic is captured. */
  readonly gso: boolean | undefined;
  readonly tso: boolean | undefined;
  /** The card takes VLAN tags out of frames. Harmless: capture puts them back. */
  readonly vlanOffload: boolean | undefined;
  /** Descriptors of the card's receive ring. */
  readonly rxRing: { readonly current: number; readonly max: number } | undefined;
  /** Counters of the device, named as in /sys/class/net/NAME/statistics. */
  readonly statistics: Readonly<Record<string, number>>;
}

/** There is no such interface. */
export interface MissingInterface {
  readonly exists: false;
  readonly name: string;
}

/** The interfaces of this thread's network namespace. */
export const listInterfaces = (): InterfaceSummary[] =>
  listLinks().map(({ name, up, carrier, loopback }) => ({ name, up, carrier, loopback }));

/**
 * What is known of an interface, without ethtool(8) or any privilege.
 * @throws {NemeanError} ERR_CAPTURE when the kernel cannot be asked
 */
export function interfaceReport(name: string): InterfaceReport | MissingInterface {
  const link = findLink(name);
  if (!link) return { exists: false, name };
  using ethtool = new Ethtool(name);
  const features = ethtool.features();
  return {
    exists: true,
    name,
    up: link.up,
    carrier: link.carrier,
    loopback: link.loopback,
    promiscuous: link.promiscuity > 0,
    mtu: link.mtu,
    driver: ethtool.driver(),
    speed: ethtool.speed(),
    gro: features.get("rx-gro"),
    groHardware: features.get("rx-gro-hw"),
    lro: features.get("rx-lro"),
    gso: features.get("tx-generic-segmentation"),
    tso: features.get("tx-tcp-segmentation"),
    vlanOffload: features.get("rx-vlan-hw-parse"),
    rxRing: ethtool.receiveRing(),
    statistics: link.statistics,
  };
}
