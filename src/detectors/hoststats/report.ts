// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Address } from "../../core/unirec/ip.ts";
import type { Finding } from "./findings.ts";
import { DNS, SSH_PORT, TCP } from "./flow.ts";
import type { Setup } from "./params.ts";
import { EVENT, NOWHERE, type RuleName } from "./record.ts";
import type { Settings } from "./settings.ts";

/** What a group of rules knows of the host beside the finding. */
export interface Host extends Pick<AlertDetail, "evidence"> {
  readonly ip: Address;
  /** Of a flood. */
  readonly isSyn?: boolean;
  readonly isForged?: boolean;
}

interface Fields {
  readonly PROTOCOL?: number;
  readonly SRC_PORT?: number;
  readonly DST_PORT?: number;
}
interface Words {
  /** Whether the host suffers it, and does not do it. */
  readonly isVictim: boolean;
  readonly threshold: number;
  /** What was observed, for the reason: "sent 320 SYNs". */
  readonly reason: string;
  readonly note: string;
  /** Fields of the record. */
  readonly record: Fields;
}

const SCALE_MAX = 2 ** 32 - 1;

/** Sends the alert of a finding. */
export function reporter({ out }: Setup, settings: Settings) {
  return (rule: RuleName, finding: Finding, host: Host): void => {
    const { ip, evidence } = host;
    const { observed, addresses, since, last, closedAt } = finding;
    const { isVictim, threshold, reason, note, record } = WORDS[rule](finding, host, settings);
    const text = String(ip);
    const port = record.DST_PORT === undefined ? {} : { port: record.DST_PORT };
    const source = record.SRC_PORT === undefined ? {} : { port: record.SRC_PORT };
    out.alerts.send(
      {
        SRC_IP: isVictim ? NOWHERE : ip,
        DST_IP: isVictim ? ip : NOWHERE,
        EVENT_TYPE: EVENT[rule],
        EVENT_SCALE: Math.min(observed, SCALE_MAX),
        TIME_FIRST: since,
        TIME_LAST: last,
        NOTE: note,
        ...record,
      },
      {
        rule,
        key: `${rule}:${ip}`,
        reason: `${ip} ${reason} (limit ${threshold} in ${settings.window} s)`,
        observed,
        threshold,
        source: { ...(isVictim ? { count: addresses } : { ip: text }), ...source },
        target: { ...(isVictim ? { ip: text } : { count: addresses }), ...port },
        ...(evidence ? { evidence } : {}),
        ...(closedAt === undefined ? {} : { closed: true, time: closedAt }),
      },
    );
  };
}

const about = (count: number): string => `about ${count} ${count === 1 ? "address" : "addresses"}`;
const syn = (isSyn = false): string => (isSyn ? "; SYN flood" : "");
const protocol = (isSyn = false): Fields => (isSyn ? { PROTOCOL: TCP } : {});

const WORDS: Readonly<
  Record<RuleName, (finding: Finding, host: Host, settings: Settings) => Words>
> = {
  scan: ({ observed, addresses }, _, { scanSyns }) => ({
    isVictim: false,
    threshold: scanSyns,
    reason: `sent ${observed} SYNs without making a connection, to ${about(addresses)}`,
    note: "horizontal SYN scan",
    record: { PROTOCOL: TCP },
  }),
  floodVictim(
    { observed, addresses },
    { isSyn, isForged },
    { byPackets, victimSyns, victimFlows },
  ) {
    const what = byPackets === 0 ? "requests" : "packets of requests";
    const whom = isForged ? `, probably forged, since each has hardly more than one flow` : "";
    return {
      isVictim: true,
      threshold: isSyn ? victimSyns : victimFlows,
      reason: `got ${observed} ${isSyn && byPackets === 0 ? "SYNs" : what}, most of which it did not answer, from ${about(addresses)}${whom}`,
      note: `approx. ${addresses} source addresses${syn(isSyn)}${isForged ? " (probably spoofed)" : ""}`,
      record: protocol(isSyn),
    };
  },
  floodAttacker: ({ observed, addresses }, { isSyn }, { attackerSyns, attackerFlows }) => ({
    isVictim: false,
    threshold: isSyn ? attackerSyns : attackerFlows,
    reason: `sent ${observed} ${isSyn ? "flows, most of them only a SYN," : "requests, most of which were not answered,"} to each of ${about(addresses)}`,
    note: `approx. ${addresses} destination addresses${syn(isSyn)}`,
    record: protocol(isSyn),
  }),
  sshVictim: ({ observed, addresses }, _, { sshRequests }) => ({
    isVictim: true,
    threshold: sshRequests,
    reason: `got ${observed} SSH connections as short as failed logins, from ${about(addresses)}`,
    note: "victim",
    record: { PROTOCOL: TCP, DST_PORT: SSH_PORT },
  }),
  sshAttacker: ({ observed, addresses }, _, { sshRequests }) => ({
    isVictim: false,
    threshold: sshRequests,
    reason: `made ${observed} SSH connections as short as failed logins, to ${about(addresses)}`,
    note: "attacker",
    record: { PROTOCOL: TCP, DST_PORT: SSH_PORT },
  }),
  dnsServer: ({ observed, addresses }, _, { dnsResponses }) => ({
    isVictim: false,
    threshold: dnsResponses,
    reason: `sent ${observed} DNS responses of 1,000 bytes a packet or more, to ${about(addresses)}`,
    note: "DNS amplification - misused server",
    record: { SRC_PORT: DNS },
  }),
  dnsVictim: ({ observed, addresses }, _, { dnsResponses }) => ({
    isVictim: true,
    threshold: dnsResponses,
    reason: `got ${observed} DNS responses of 1,000 bytes a packet or more, from ${about(addresses)}`,
    note: "DNS amplification - victim",
    record: { SRC_PORT: DNS },
  }),
};
