// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { biflow, type Reader, template } from "../../core/unirec/template.ts";

/** Names are those that the meter's plugins tls and http find, where it has them. */
export const flows = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST,
  ?string TLS_SNI, ?string HTTP_REQUEST_HOST
`);

/** What of a flow is kept as evidence. */
export const shown = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST
`);

/** BEACON_NAME is empty where the destination is known by its address only; BEACON_PERIOD is in seconds. */
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 DST_PORT, uint8 PROTOCOL, string BEACON_NAME,
  double BEACON_SCORE, uint32 BEACON_PERIOD, uint32 CONNECTIONS, time TIME_FIRST, time TIME_LAST
`);

export const params = {
  scoreMin: param.ratio({
    default: 0.9,
    about: "Score that raises an alert",
  }),
  connectionsMin: param.count({
    default: 20,
    min: 4,
    about: "Connections, each in a second of its own, below which a pair is not judged",
  }),
  spanMin: param.seconds({
    default: 300,
    min: 1,
    about: "Time from the first to the last of them, at least",
  }),
  ownNetworks: param.text({
    default: "",
    about:
      "Prefixes of your own networks, as 192.0.2.0/24,2001:db8::/32: only what goes from them to outside is looked at; none for whatever goes to addresses that are not private",
  }),
  ignoredPorts: param.text({
    default: "53,67,68,123,137,138,161,162,500,514,853,1900,3478,3702,4500,5353,5355",
    about: "Destination ports of services that are periodic by nature: NTP, DNS and others",
  }),
  trackedAt: param.count({
    default: 3,
    min: 1,
    max: 6,
    about: "A pair is tracked from its so manieth contact on, each in another ten seconds",
  }),
  samplesMax: param.count({
    default: 128,
    min: 16,
    max: 4096,
    about: "Connections of a pair whose times and sizes are kept: the latest",
  }),
  pairsMax: param.count({
    default: 16_384,
    min: 16,
    max: 1 << 20,
    about: "Pairs of a host and a destination tracked at once",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
