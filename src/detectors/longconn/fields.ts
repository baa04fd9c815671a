// SPDX-License-Identifier: BSD-3-Clause
import { type Context, param } from "../../core/module.ts";
import { biflow, type Reader, template } from "../../core/unirec/template.ts";

export const flows = biflow(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint8 TCP_FLAGS,
  uint32 PACKETS, uint64 BYTES, time TIME_FIRST, time TIME_LAST,
  ?uint8 TCP_FLAGS_REV, ?uint32 PACKETS_REV, ?uint64 BYTES_REV
`);

/** DURATION is in seconds, BYTES are those sent to DST_IP. */
export const alerts = template(`
  ipaddr SRC_IP, ipaddr DST_IP, uint16 SRC_PORT, uint16 DST_PORT, uint8 PROTOCOL, uint64 BYTES, uint64 BYTES_REV,
  uint32 DURATION, time TIME_FIRST, time TIME_LAST
`);

export const params = {
  durationMin: param.seconds({
    default: 3600,
    min: 300,
    about: "Duration of a connection that raises an alert",
  }),
  pauseMax: param.seconds({
    default: 900,
    min: 30,
    about: "A connection that says nothing for longer has ended",
  }),
  ignoredPorts: param.text({
    default: "143,500,993,1194,3478,4500,5222,5223,5228,5229,5230,51820",
    about:
      "Destination ports whose connections are long by nature, and never raise one: IMAP, VPN, push messages",
  }),
  megabytesMin: param.count({
    default: 500,
    min: 1,
    about: "Megabytes sent to one peer in a window below which it is no exfiltration",
  }),
  factor: param.count({
    default: 10,
    min: 1,
    about: "How many times as much as usual it has to be, of the host and of the pair",
  }),
  window: param.seconds({
    default: 3600,
    min: 60,
    about: "Time over which what is sent is summed up",
  }),
  learnWindows: param.count({
    default: 24,
    min: 0,
    about: "Windows from the beginning on in which is only learned what is usual",
  }),
  ownNetworks: param.text({
    default: "",
    about:
      "Prefixes of your own networks, as 192.0.2.0/24,2001:db8::/32: only what goes on between them and outside is looked at; none for whatever goes to addresses that are not private",
  }),
  connectionsMax: param.count({
    default: 32_768,
    min: 16,
    max: 1 << 20,
    about: "Connections watched at once, and as many pairs of hosts that exchange much",
  }),
};
export type Setup = Context<typeof params, { alerts: typeof alerts }>;
export type Flow = Reader<typeof flows>;
export const TCP = 6;
export const SYN = 0x02;
export const UDP = 17;

/** `1.5 GB` and the like. */
export function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1000)} kB`;
}
