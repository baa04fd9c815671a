// SPDX-License-Identifier: BSD-3-Clause
/** The page of all detections: what each detector declares, and what was measured of it. @module */
import type { AnyModule } from "../src/core/module.ts";

/** What an alert shows, and what was measured: captures are those of the labelled set, golden cases recorded outputs of NEMEA's detector. */
interface Seen {
  readonly evidence: string;
  readonly measured: string;
}

const SEEN: Readonly<Record<string, Seen>> = {
  amplification: {
    evidence: "large answers and their queries",
    measured: "12/12 golden cases; both amplification captures (SNMP, fragmented DNS)",
  },
  backscatter: {
    evidence: "answers that nobody asked for",
    measured: "made traffic by the RSDoS criteria; quiet on every capture",
  },
  beacon: {
    evidence: "calls of the pair, and the name called",
    measured:
      "the C&C capture (score 1.00); each part of the score by vectors computed by hand; hours of made office traffic raise nothing",
  },
  "brute-force": {
    evidence: "the attempts, by their packets and bytes",
    measured: "16/16 golden cases; SSH guessing on port 902",
  },
  cryptop2p: {
    evidence: "up to 20 flows, with the network named",
    measured: "4 Monero peers (severity 2), 3 miners (severity 5); quiet on every other capture",
  },
  ddos: {
    evidence: "flows of new sources since suspicion began",
    measured: "10/10 golden cases; made floods, quiet on every capture",
  },
  dga: {
    evidence: "names asked in vain, and those answered after",
    measured:
      "families never trained with, recall a name: Dyre 97 %, Ranbyus 95 %, Chinad 94 %, Fobber 94 %, CryptoLocker 93 %, Corebot 93 %, Qakbot 92 %, Tinba 89 %, Locky 69 %, Kraken 36 %, Banjori 34 %, Simda 31 %, Virut 18 %; word lists (Suppobox, Matsnu, Gozi) 0 %. 12,047 of 10⁶ popular domains look made up; none is told of by itself",
  },
  dnsblacklist: {
    evidence: "the look-up and its answer",
    measured: "1/1 golden case",
  },
  dnsexfil: {
    evidence: "queries with names, types and codes",
    measured:
      "iodine after 26 queries, dnscat2 45, dns2tcp 40, OzymanDNS 21; 0 alerts about 125,308 web hosts; both DNS tunnel captures, one odd name at severity low",
  },
  dnstunnel: {
    evidence: "queries and answers of the domain",
    measured: "9/9 golden cases; iodine, and the odd DNS of bad-dns-traffic",
  },
  floodrate: {
    evidence: "the first 20 flows",
    measured: "made floods of SYN, UDP and ICMP; quiet on every capture",
  },
  haddrscan: {
    evidence: "the probes, by target",
    measured: "11/11 golden cases; the scan of 55 hosts",
  },
  hoststats: {
    evidence: "flows sent, or received, since suspicion began",
    measured: "12/12 golden cases; quiet on every capture",
  },
  icmptunnel: {
    evidence: "up to 20 flows, inner addresses named",
    measured: "the ICMP tunnel (448 requests, 415 answers); quiet on every other capture",
  },
  ipblacklist: {
    evidence: "contacts, by side and list",
    measured: "6/6 golden cases",
  },
  longconn: {
    evidence: "slices of the connection, or the flows that sent most",
    measured: "made traffic; quiet on every capture",
  },
  miner: {
    evidence: "the first bytes, names or behaviour that told",
    measured: "6/6 golden cases; all miners and pools of the mining capture",
  },
  newdevice: {
    evidence: "the flow that was new, of servers up to 20",
    measured: "nothing in short captures and the DHCP flood; made networks for each rule",
  },
  reflection: {
    evidence: "the first 20 flows, of new reflectors",
    measured:
      "SYN-ACK (6,727 reflectors of 7,055 named by the label), SNMP 3,959 of 4,276, fragmented DNS; the victim named within 2 s of the first packet",
  },
  "sip-bf": {
    evidence: "refused logins and the one that follows",
    measured: "15/15 golden cases; ordinary SIP raises nothing",
  },
  "smtp-spam": { evidence: "mail sessions by server", measured: "made traffic alone" },
  tlsintel: {
    evidence: "up to 20 flows with names and JA4",
    measured: "Tor: 7 flows to 5 relays (severity 5); encrypted DNS to 1.1.1.1 (severity 2)",
  },
  trw: {
    evidence: "contacts that failed",
    measured:
      "in simulation at the paper's parameters: decided at the 4th contact where all fail, median within 6 where four fifths do; 99 % found, 1 % false at most; the scan of 55 hosts, quiet on every other capture",
  },
  urlblacklist: { evidence: "the request", measured: "1/1 golden case" },
  "voip-fraud": { evidence: "the calls by prefix", measured: "3/3 golden cases" },
  volumetric: {
    evidence: "the first 20 flows, of new sources",
    measured:
      "spoofed SYN flood: 37,370 to 37,612 of 37,623 sources; named within 5 s of the first packet",
  },
  vportscan: {
    evidence: "the probes, by port",
    measured: "11/11 golden cases; nmap's scan of 1,000 ports",
  },
  waintrusion: {
    evidence: "the request and the rule",
    measured: "SQL injection over HTTP, and the Log4j exploit",
  },
};

/** A detector that is new. */
const NOT_YET: Seen = { evidence: "its flows", measured: "nothing yet" };

/** @throws for what is said of no detector */
export function detectionPage(detectors: readonly AnyModule[]): string {
  const names = detectors.map(({ name }) => name);
  const stray = Object.keys(SEEN).find((name) => !names.includes(name));
  if (stray !== undefined)
    throw new Error(`scripts/detection-page.ts tells of ${stray}, which is no detector`);
  return [
    "# Detection",
    "",
    "What is detected, by which technique of MITRE ATT&CK it goes, what an alert shows, and what was measured. The first three columns are written",
    "from the declarations by `bun run generate`; the page of each detector says how it can be evaded, how to tune it, and what to do when it fires.",
    "",
    "The labelled captures are attacks, with attacker and victim named, that tests hold all detectors against together: `bun test tests/golden/labelled.test.ts`",
    "prints how many were detected and how many alerts named somebody else. Golden cases are recorded outputs of NEMEA's own detectors, which",
    '`compat = "nemea"` reproduces: `bun test src/detectors`.',
    "",
    "| detector | finds | rules and techniques | evidence | measured |",
    "|---|---|---|---|---|",
    ...detectors.map((def) => row(def)),
    "",
  ].join("\n");
}

function row({ name, about, rules = {} }: AnyModule): string {
  const seen = SEEN[name] ?? NOT_YET;
  const told = Object.values(rules).map(({ id, techniques }) => `${id} ${techniques.join(" ")}`);
  return `| [${name}](modules/${name}.md) | ${about} | ${told.join("; ")} | ${seen.evidence} | ${seen.measured} |`;
}
