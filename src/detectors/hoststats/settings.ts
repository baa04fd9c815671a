// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";

/** What the rules need to know; the numbers are the original's, which it takes from its configuration file. */
export const DEFAULTS = {
  /** Groups of rules, 1 for on: scans and floods, SSH, DNS. */
  generic: 1,
  ssh: 1,
  dns: 1,
  /** Hosts at once, and seconds: how long a host is counted, and the silence and the period of `compat=nemea`. */
  hosts: 65_536,
  window: 300,
  silence: 30,
  period: 10,
  /** 1: ports tell requests from responses; 0: the field DIRECTION_FLAGS does. */
  byPorts: 1,

  scanSyns: 200,
  scanSynsPerAck: 20,
  scanSynsPerAnswer: 5,
  scanAddresses: 200,

  /** 1: packets are held against the limits of victims instead of flows. */
  byPackets: 0,
  victimSyns: 270_000,
  victimFlows: 1_000_000,
  victimPacketsPerFlow: 2,
  victimBytesPerPacket: 100,
  victimAnswers: 0.8,
  attackerSyns: 270_000,
  attackerFlows: 1_000_000,
  attackerPacketsPerFlow: 2,
  attackerBytesPerPacket: 100,
  /** Shares of the flows of unknown direction that are taken for requests and for responses. */
  requestShare: 0.8,
  responseShare: 0.2,

  sshRequests: 60,
  sshRequestPacketsMin: 5,
  sshRequestPacketsMax: 20,
  sshResponses: 30,
  sshResponsePacketsMin: 10,
  sshResponsePacketsMax: 25,
  sshServerRatio: 3,
  sshAddresses: 5,
  sshPerAddress: 20,

  dnsResponses: 10_000,
};
export type Settings = Readonly<typeof DEFAULTS>;
type Name = keyof Settings;

/** The original's keys; those it reads and never uses have no name here. */
const KEYS: Readonly<Record<string, Name | undefined>> = {
  "rules-generic": "generic",
  "rules-ssh": "ssh",
  "rules-dns": "dns",
  "table-size": "hosts",
  "timeout-active": "window",
  "timeout-inactive": "silence",
  "det-start-time": "period",
  "port-flowdir": "byPorts",
  "syn-scan-threshold": "scanSyns",
  "syn-scan-syn-to-ack-ratio": "scanSynsPerAck",
  "syn-scan-request-to-response-ratio": "scanSynsPerAnswer",
  "syn-scan-ips": "scanAddresses",
  "dos-detection-type": "byPackets",
  "dos-victim-connections-synflood": "victimSyns",
  "dos-victim-connections-others": "victimFlows",
  "dos-victim-packet-ratio": "victimPacketsPerFlow",
  "dos-victim-bytes-packets-ratio": "victimBytesPerPacket",
  "dos-victim-responsibility": "victimAnswers",
  "dos-attacker-connections-synflood": "attackerSyns",
  "dos-attacker-connections-others": "attackerFlows",
  "dos-attacker-packet-ratio": "attackerPacketsPerFlow",
  "dos-attacker-bytes-packets-ratio": "attackerBytesPerPacket",
  "dos-req-rsp-est-ratio": "requestShare",
  "dos-rsp-req-est-ratio": "responseShare",
  "bruteforce-req-threshold": "sshRequests",
  "bruteforce-req-min-packet-ratio": "sshRequestPacketsMin",
  "bruteforce-req-max-packet-ratio": "sshRequestPacketsMax",
  "bruteforce-data-threshold": "sshResponses",
  "bruteforce-data-min-packet-ratio": "sshResponsePacketsMin",
  "bruteforce-data-max-packet-ratio": "sshResponsePacketsMax",
  "bruteforce-server-ratio": "sshServerRatio",
  "bruteforce-ips": "sshAddresses",
  "bruteforce-ips-ratio": "sshPerAddress",
  "dns-amplif-threshold": "dnsResponses",
  "input-template": undefined,
  "detection-log": undefined,
  "log-upto-level": undefined,
  "dos-min-rsp-ratio": undefined,
  "scan-threshold": undefined,
  "scan-flag-ratio": undefined,
  "scan-packet-ratio": undefined,
  "scan-ip-ratio": undefined,
  "bruteforce-out-threshold": undefined,
};
const SWITCHES: ReadonlySet<Name> = new Set(["generic", "ssh", "dns", "byPorts"]);
const AT_LEAST: Readonly<Partial<Record<Name, number>>> = {
  hosts: 65_536,
  window: 1,
  silence: 1,
  period: 1,
};
/** More hosts than this do not fit into a table. */
const HOSTS_MAX = 1 << 22;

/**
 * The settings of a configuration file of the original, `key = value` a line, over `base`.
 * What it does not say, or says wrong, is as in `base`; the latter is told to `warn`.
 * @throws {NemeanError} ERR_INPUT when the file cannot be read
 */
export function readSettings(
  path: string,
  base: Settings,
  warn: (message: string) => void,
): Settings {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const why = `hoststats: the configuration ${path} cannot be read: ${messageOf(error)}`;
    throw new NemeanError("ERR_INPUT", EXIT.noInput, why, error);
  }
  return parseSettings(text, base, (message) => warn(`${path}: ${message}`));
}

/** As {@link readSettings}, of the file's text. */
export function parseSettings(
  text: string,
  base: Settings,
  warn: (message: string) => void,
): Settings {
  const settings = { ...base };
  for (const [i, line] of text.split("\n").entries()) {
    const equals = line.indexOf("=");
    if (line.startsWith("#") || equals < 0) continue;
    const key = line.slice(0, equals).trim();
    const value = line.slice(equals + 1).trim();
    if (!Object.hasOwn(KEYS, key)) {
      warn(`line ${i + 1}: ${JSON.stringify(key)} is no setting`);
      continue;
    }
    const name = KEYS[key];
    if (name === undefined) continue;
    const number = SWITCHES.has(name) ? switchOf(value) : numberOf(value, AT_LEAST[name] ?? 0);
    if (number === undefined)
      warn(`line ${i + 1}: ${key} cannot be ${JSON.stringify(value)}, taking ${settings[name]}`);
    else settings[name] = number;
  }
  return { ...settings, hosts: Math.min(2 ** Math.ceil(Math.log2(settings.hosts)), HOSTS_MAX) };
}

const switchOf = (value: string): number => Number(["1", "true", "enabled"].includes(value));

function numberOf(value: string, least: number): number | undefined {
  const number = value === "" ? Number.NaN : Number(value);
  return number >= least && number < 2 ** 53 ? number : undefined;
}
