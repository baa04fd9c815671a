// SPDX-License-Identifier: BSD-3-Clause
import { Address } from "../../core/unirec/ip.ts";
import { template } from "../../core/unirec/template.ts";

/** The original's record of an alert. */
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE,
  uint32 EVENT_SCALE, time TIME_FIRST, time TIME_LAST, string NOTE
`);

/** EVENT_TYPE of each rule, across NEMEA. */
export const EVENT = {
  scan: 2,
  floodVictim: 10,
  floodAttacker: 10,
  sshVictim: 30,
  sshAttacker: 30,
  dnsServer: 15,
  dnsVictim: 15,
} as const;
export type RuleName = keyof typeof EVENT;

/** The address of the side that an alert says nothing of. */
export const NOWHERE = new Address().setV4(0);
