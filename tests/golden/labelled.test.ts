// SPDX-License-Identifier: BSD-3-Clause
// Captures of attacks and of ordinary traffic, whose labels say who attacks whom, through all detectors as `nemean replay` runs them.
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { modulesNamed } from "../../src/control/modules.ts";
import { PipelineRun } from "../../src/control/pipeline-run.ts";
import type { Alert } from "../../src/core/alert.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../src/core/testing/shared.ts";

const LABELLED = "corpus/labelled";
const BENIGN = ["corpus/pcap/flowtest", "corpus/pcap/ipfixprobe"];

/** Severities that the labels, and the demand of quiet, are written in. */
const LOW = 1;
const MEDIUM = 4;
const HIGH = 7;
const MINUTES = 60_000;

/** What an attack's capture has to raise. */
interface Attack {
  readonly file: string;
  /** Detectors any of which may find it. */
  readonly by: readonly string[];
  /** Addresses each of which is to be named as a source; left out where they are spoofed. */
  readonly attackers?: readonly string[];
  /** Addresses each of which is to be named as a target. */
  readonly victims?: readonly string[];
  /** Least and most sources that are counted, where they are too many to name. */
  readonly sources?: readonly [number, number];
  /** Severity that is enough; medium when left out. */
  readonly severity?: number;
}

const ATTACKS: readonly Attack[] = [
  {
    file: "ddos/pkt.TCP.synflood.spoofed.pcap",
    by: ["volumetric"],
    victims: ["10.10.10.10"],
    sources: [36_500, 38_700], // 37,623
  },
  {
    file: "ddos/amp.TCP.reflection.SYNACK.pcap",
    by: ["reflection"],
    victims: ["10.10.10.10"],
    sources: [6500, 7300], // 7,055, of which some answer by ICMP
  },
  {
    file: "ddos/amp.UDP.snmp.src161.pcapng",
    by: ["amplification", "reflection"],
    victims: ["10.10.10.10"],
  },
  {
    file: "ddos/amp.dns.RRSIG.fragmented.pcap",
    by: ["amplification", "reflection"],
    victims: ["10.10.10.10"],
  },
  {
    file: "slips/test7-malicious.pcap",
    by: ["haddrscan"],
    attackers: ["192.168.2.16"],
  },
  {
    file: "slips/test19-malicious-ssh/malicious-ssh-bruteforce.pcap",
    by: ["brute-force"],
    attackers: ["147.32.80.40"],
    victims: ["147.32.80.37"],
  },
  {
    file: "slips/test-cc/test-cc-capture-1.pcap",
    by: ["beacon"],
    attackers: ["147.32.80.37"],
    victims: ["141.193.213.21"],
  },
  {
    file: "ndpi/synscan.pcap",
    by: ["vportscan"],
    attackers: ["172.16.0.8"],
    victims: ["64.13.134.52"],
  },
  {
    file: "ndpi/dns-tunnel-iodine.pcap",
    by: ["dnstunnel", "dnsexfil"],
    attackers: ["10.0.2.30"],
    victims: ["10.0.2.20"],
  },
  {
    file: "ndpi/dns2tcp_tunnel.pcap",
    by: ["tlsintel"],
    attackers: ["192.168.20.211"],
    victims: ["1.1.1.1"],
    severity: LOW,
  },
  {
    file: "ndpi/dns-exf.pcap",
    by: ["dnstunnel", "dnsexfil"],
    attackers: ["192.168.2.225"],
    victims: ["192.168.2.134"],
    severity: LOW,
  },
  {
    file: "ndpi/bad-dns-traffic.pcap",
    by: ["dnstunnel", "dnsexfil"],
    attackers: ["192.168.43.91"],
    victims: ["4.2.2.4"],
  },
  {
    file: "ndpi/icmp-tunnel.pcap",
    by: ["icmptunnel"],
    attackers: ["192.168.154.131"],
    victims: ["192.168.154.132"],
  },
  {
    file: "ndpi/mining.pcapng",
    by: ["miner", "cryptop2p"],
    attackers: ["192.168.2.148", "192.168.2.92", "147.229.13.222"],
    victims: ["94.23.199.191", "116.211.167.195", "178.32.196.217", "185.71.66.39"],
  },
  {
    file: "ndpi/monero.pcap",
    by: ["miner", "cryptop2p"],
    attackers: ["192.168.2.100"],
    severity: LOW,
  },
  {
    file: "ndpi/WebattackSQLinj.pcap",
    by: ["waintrusion"],
    attackers: ["172.16.0.1"],
    victims: ["192.168.10.50"],
  },
  { file: "ndpi/tor.pcap", by: ["tlsintel"], attackers: ["192.168.1.252"] },
];
/** Captures that must raise nothing at all. */
const SILENT = ["ndpi/sip.pcap", "suricata-verify/dhcp-request-flood/test.pcap"];

const detectors = await modulesNamed(undefined);
const names = detectors.map(({ name }) => name);

/** The last word on each event that a capture raises. */
async function eventsOf(path: string): Promise<Alert[]> {
  const events = new Map<string, Alert>();
  const run = await PipelineRun.open(
    {
      source: { kind: "files", paths: [path] },
      modules: detectors.map(({ name }) => ({ name, params: {} })),
      sensor: "test",
    },
    { onAlert: (alert) => events.set(alert.id, alert), onWarning: () => {} },
  );
  while (run.step());
  run.finish();
  return [...events.values()];
}

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const inWords = ({ detector, severity, source, target, reason }: Alert): string =>
  `${detector} ${severity} ${source.ip ?? `${source.count} sources`} > ${target.ip ?? "many"}: ${reason}`;

/** What an attack's capture has to raise and did not; empty when all is there. */
function missing(attack: Attack, events: readonly Alert[]): string[] {
  const found = events.filter(
    ({ detector, severity }) =>
      attack.by.includes(detector) && severity >= (attack.severity ?? MEDIUM),
  );
  const count = attack.sources;
  return [
    ...(found.length === 0 ? [`an alert of ${attack.by.join(" or ")}`] : []),
    ...(attack.attackers ?? [])
      .filter((ip) => !found.some(({ source }) => source.ip === ip))
      .map((ip) => `attacker ${ip}`),
    ...(attack.victims ?? [])
      .filter((ip) => !found.some(({ target }) => target.ip === ip))
      .map((ip) => `victim ${ip}`),
    ...(count && !found.some(({ source }) => isWithin(source.count, count)) ? ["sources"] : []),
  ];
}

const isWithin = (count = 0, [least, most]: readonly [number, number]): boolean =>
  count >= least && count <= most;

/** Whether an alert of an attack's capture names somebody who has no part in it. */
const isFalse = ({ attackers = [], victims = [] }: Attack, { source, target }: Alert): boolean => {
  const known = [...attackers, ...victims];
  const named = [source.ip, target.ip].filter((ip) => ip !== undefined);
  return !named.some((ip) => known.includes(ip));
};

if (!hasShared(LABELLED))
  test.skip(`labelled captures (${NO_SHARED})`, () => {
    // There is nothing to run them on.
  });
else {
  const known = ATTACKS.filter(({ by }) => by.some((name) => names.includes(name)));

  describe("labelled captures:", () => {
    let detected = 0;
    let strangers = 0;

    test.each(known)(
      "the detectors find what $file shows, and name who does it to whom",
      async (attack) => {
        const events = await eventsOf(sharedPath(LABELLED, attack.file));
        const wrong = events.filter((alert) => isFalse(attack, alert));
        strangers += wrong.length;
        for (const alert of wrong) say(`  ${attack.file}, of others: ${inWords(alert)}`);
        expect(missing(attack, events)).toEqual([]);
        detected++;
      },
      MINUTES,
    );

    test("the detectors find each labelled attack, and next to nobody else", () => {
      say(`labelled captures: ${detected}/${known.length} detected, ${strangers} false alerts`);
      expect(detected).toBe(known.length);
      expect(strangers).toBe(0);
    });

    test.each(SILENT)(
      "the detectors keep quiet about %s",
      async (file) => {
        expect((await eventsOf(sharedPath(LABELLED, file))).map(inWords)).toEqual([]);
      },
      MINUTES,
    );
  });

  describe("ordinary captures:", () => {
    const files = BENIGN.flatMap((folder) =>
      readdirSync(sharedPath(folder))
        .filter((name) => name.endsWith(".pcap"))
        .map((name) => join(folder, name)),
    );

    test.each(files)(
      "the detectors raise nothing high, and one medium alert at most, about %s",
      async (file) => {
        const events = await eventsOf(sharedPath(file));
        const medium = events.filter(({ severity }) => severity >= MEDIUM);
        for (const alert of medium) say(`  ${file}: ${inWords(alert)}`);
        expect(medium.filter(({ severity }) => severity >= HIGH).map(inWords)).toEqual([]);
        expect(medium.length).toBeLessThanOrEqual(1);
      },
      MINUTES,
    );
  });
}
