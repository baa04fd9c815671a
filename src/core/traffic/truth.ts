// SPDX-License-Identifier: BSD-3-Clause

/** When the first and the last conversation of an attack began, in whole microseconds since 1970, both included. */
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

export interface PasswordGuessing extends Limits {
  readonly kind: "password-guessing";
  readonly attacker: string;
  readonly victim: string;
  /** Connections to the SSH server, each with a few refused passwords. */
  readonly attempts: number;
}

/** Servers of the Internet answer to who never asked them. */
export interface Reflection extends Limits {
  readonly kind: "reflection";
  readonly victim: string;
  readonly vector: "DNS" | "NTP" | "SSDP";
  readonly reflectors: number;
  readonly packets: number;
}

export interface DnsTunnel extends Limits {
  readonly kind: "dns-tunnel";
  readonly attacker: string;
  readonly domain: string;
  /** Names asked for, all different. */
  readonly names: number;
}

/** Malware that asks for the names of its control server, none of which is registered. */
export interface MadeUpNames extends Limits {
  readonly kind: "made-up-names";
  readonly attacker: string;
  readonly names: number;
}

export interface IcmpTunnel extends Limits {
  readonly kind: "icmp-tunnel";
  readonly attacker: string;
  /** Where the tunnel leads. */
  readonly peer: string;
  /** Echo requests, each answered. */
  readonly requests: number;
}

export interface Mining extends Limits {
  readonly kind: "mining";
  readonly attacker: string;
  readonly pool: string;
  readonly port: number;
}

/** SQL where a web application expects a number. */
export interface WebAttack extends Limits {
  readonly kind: "web-attack";
  readonly attacker: string;
  readonly victim: string;
  readonly requests: number;
}

export type Attack =
  | VerticalScan
  | HorizontalScan
  | SynFlood
  | PasswordGuessing
  | Reflection
  | DnsTunnel
  | MadeUpNames
  | IcmpTunnel
  | Mining
  | WebAttack;

/** What is in the traffic besides its normal part: the answers to check a detector's against. */
export interface Truth {
  /** By the time of the first frame. */
  readonly attacks: readonly Attack[];
}
