// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { biflow, type Reader, template } from "../../core/unirec/template.ts";

/** The answer tells whether a connection was made; of records of one direction the request's own flags do. */
export const flows = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS, uint32 PACKETS,
  time TIME_FIRST, time TIME_LAST, ?uint8 TCP_FLAGS_REV, ?uint32 PACKETS_REV
`);

/** ADDR_CNT are the addresses that failed; DST_PORT is the port that most of them were tried at. */
export const alerts = template(`
  ipaddr SRC_IP, uint16 DST_PORT, uint8 PROTOCOL, uint8 EVENT_TYPE, uint32 ADDR_CNT, uint32 FAILED, uint32 SUCCEEDED,
  time TIME_FIRST, time TIME_LAST
`);

export const params = {
  successBenign: param.ratio({
    default: 0.8,
    about: "Chance that a first contact of a harmless host succeeds",
  }),
  successScanner: param.ratio({
    default: 0.2,
    about: "Chance that one of a scanner does",
  }),
  falseAlarms: param.ratio({
    default: 0.01,
    about: "Share of harmless hosts that may be taken for scanners",
  }),
  detection: param.ratio({
    default: 0.99,
    about: "Share of scanners that have to be found",
  }),
  addressesMin: param.count({
    default: 20,
    min: 4,
    max: 100_000,
    about: "Addresses that failed, on few ports, from which on the verdict is of medium severity",
  }),
  slowAfter: param.seconds({
    default: 86_400,
    min: 3600,
    about: "A scan that took so long to get there is a slow one",
  }),
  sourcesMax: param.count({
    default: 32_768,
    min: 16,
    max: 1 << 20,
    about: "Sources of failed contacts watched at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
