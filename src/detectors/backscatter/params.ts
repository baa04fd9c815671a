// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { template } from "../../core/unirec/template.ts";

export const alerts = template(`
  ipaddr SRC_IP, uint16 SRC_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE, uint32 PACKETS, uint32 PACKETS_MINUTE_MAX,
  uint32 ADDR_CNT, time TIME_FIRST, time TIME_LAST
`);

export const params = {
  ownNetworks: param.text({
    default: "",
    about:
      "Prefixes of your own networks, as 192.0.2.0/24,2001:db8::/32: only what they receive from outside counts; none for what anybody receives",
  }),
  packetsMin: param.count({
    default: 25,
    min: 1,
    about: "Unasked responses of a victim from which on it is an attack",
  }),
  durationMin: param.seconds({
    default: 60,
    min: 0,
    about: "Time from the first to the last of them, at least",
  }),
  minuteMin: param.count({
    default: 30,
    min: 1,
    about: "Packets in the busiest minute, at least: 30 are 0.5 a second",
  }),
  addressesMin: param.count({
    default: 10,
    min: 1,
    max: 100_000,
    about: "Distinct addresses that received them, at least",
  }),
  idleTimeout: param.seconds({
    default: 300,
    min: 1,
    about: "An attack is over after so long a silence",
  }),
  patience: param.seconds({
    default: 10,
    min: 0,
    max: 3600,
    about: "How long a response waits for the record of its request",
  }),
  memory: param.seconds({
    default: 1800,
    min: 60,
    about: "Who has talked to whom is remembered for so long, at least",
  }),
  victimsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Victims watched at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
