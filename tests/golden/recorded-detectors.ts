// SPDX-License-Identifier: BSD-3-Clause
/** How NEMEA's detectors were run when their alerts were recorded, as the README of the recordings says. @module */

/** A detector's recordings; case names are those of its folder's files. */
export interface Recorded {
  /** The original's name. */
  readonly command: string;
  /** Its options, paths from its folder. */
  readonly args?: readonly string[];
  /** Options of single cases, in place of all those. */
  readonly argsOf?: Readonly<Record<string, readonly string[]>>;
  /** Columns of the alerts that come of chance or of the machine's clock. */
  readonly masked?: readonly string[];
  /** Alerts of one moment have no order. */
  readonly unordered?: true;
  /** Cases with a pacing column, and how many seconds the detector's wall clock goes on in one of it. */
  readonly paced?: Readonly<Record<string, number>>;
  /** Cases outside the score, and why. */
  readonly excluded?: Readonly<Record<string, string>>;
  /** Servers it speaks with: port on loopback, and what that answers. */
  readonly servers?: Readonly<Record<number, string>>;
}

const TELNET = ["-T"];
const DEFAULTS = ["-F", "-c", "default.conf"];
const STRATUM_ANSWER = '{"id":1,"result":[[["mining.notify","ae68"]],"08000002",4],"error":null}\n';

export const RECORDED: Readonly<Record<string, Recorded>> = {
  amplification: { command: "amplification_detection" },
  brute_force: {
    command: "brute_force_detector",
    args: ["-S"],
    argsOf: {
      fuzz1: ["-S", "-R", "-T"],
      rdp_above30: ["-R"],
      ssh_whitelist: ["-S", "-w", "whitelist.wl"],
      telnet_in_above30: TELNET,
      telnet_out_below: TELNET,
      telnet_out_profiled: TELNET,
    },
  },
  ddos: {
    command: "ddos_detector",
    argsOf: { b100_base_too_low: ["-b", "100"] },
    masked: ["EVENT_ID"],
  },
  dns_tunnel: {
    command: "dnstunnel_detection",
    args: ["-E", "event_id.txt"],
    masked: ["TIME_FIRST", "TIME_LAST"],
  },
  dnsblacklist: { command: "dnsblacklistfilter", args: ["-c", "conf.xml"] },
  haddrscan: {
    command: "haddrscan_detector",
    argsOf: { n2: ["-n", "2"], n300_never: ["-n", "300"] },
    paced: { trailing_alert: 100, trailing_empty_alert: 100 },
  },
  hoststats: {
    command: "hoststatsnemea",
    args: ["-F", "-c", "low.conf"],
    argsOf: { fuzz1: DEFAULTS, synscan_above: DEFAULTS, synscan_below: DEFAULTS },
    unordered: true,
  },
  ipblacklist: {
    command: "ipblacklistfilter",
    args: ["-c", "conf.xml"],
    excluded: { ports_errno_patched: "recorded with a patched binary" },
  },
  miner: {
    command: "miner_detector",
    args: ["-u", "stratum.xml"],
    argsOf: {
      blacklisted_pool: ["-u", "blacklist.xml"],
      stratum_off_reports_nothing: ["-u", "nostratum.xml"],
    },
    paced: {
      score_below_9: 1,
      stratum_not_pool: 1,
      stratum_off_reports_nothing: 1,
      stratum_probe: 1,
      tree_says_no_req100: 1,
    },
    servers: { 13333: STRATUM_ANSWER, 13334: "220 hello\n" },
  },
  sip_bf: { command: "sip_bf_detector", argsOf: { fuzz1: ["-a", "20"] } },
  urlblacklist: { command: "urlblacklistfilter", args: ["-c", "conf.xml"] },
  voip_fraud: { command: "voip_fraud_detection", args: ["-e", "disabled"] },
  vportscan: {
    command: "vportscan_detector",
    paced: { idle_pruned: 100, idle_not_pruned_without_tick_time: 1 },
  },
};
