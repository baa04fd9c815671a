// SPDX-License-Identifier: BSD-3-Clause

/** When the SYNs of an attack were seen, in whole microseconds since 1970, both included. */
interface Limits {
  readonly firstMicros: number;
  readonly lastMicros: number;
}

export interface VerticalScan extends Limits {
  readonly kind: "vertical-scan";
  /** Addresses as UniRec writes them. */
  readonly attacker: string;
  readonly victim: string;
  /** Distinct ports asked; at most six are open and answer SYN-ACK. */
  readonly ports: number;
}

export interface HorizontalScan extends Limits {
  readonly kind: "horizontal-scan";
  readonly attacker: string;
  readonly port: number;
  /** Distinct addresses asked; few exist. */
  readonly hosts: number;
}

/** Its sources are forged and seen once each, so that it is no scan by anybody. */
export interface SynFlood extends Limits {
  readonly kind: "syn-flood";
  readonly victim: string;
  readonly port: number;
  readonly sources: number;
}

export type Attack = VerticalScan | HorizontalScan | SynFlood;

/** What is in the traffic besides its normal part: the answers to check a detector's against. */
export interface Truth {
  /** By the time of the first SYN. */
  readonly attacks: readonly Attack[];
}
