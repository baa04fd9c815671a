// SPDX-License-Identifier: BSD-3-Clause
import type { Address } from "../../core/unirec/ip.ts";
import type { Values } from "../../core/unirec/template.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { DNS, SSH_PORT, TCP } from "./flow.ts";
import type { Setup } from "./params.ts";
import { type alerts, EVENT, NOWHERE, type RuleName } from "./record.ts";
import {
  ACKS,
  DIRECTION,
  FLOWS,
  type Flood,
  floods,
  guesses,
  IN,
  isFlooded,
  isGuessedAt,
  OUT,
  PACKETS,
  SSH,
  Sums,
  SYNS,
  scans,
} from "./rules.ts";
import type { Settings } from "./settings.ts";

/** A host's counters in `compat=nemea`: what the rules read, then these. */
export const MORE = {
  /** Different addresses: it sent to, it asked, it heard from. */
  sentTo: 2 * DIRECTION,
  asked: 2 * DIRECTION + 1,
  heardFrom: 2 * DIRECTION + 2,
  synPackets: 2 * DIRECTION + 3,
  /** Seconds. */
  first: 2 * DIRECTION + 4,
  last: 2 * DIRECTION + 5,
  ssh: 2 * DIRECTION + 6,
  sshSentTo: 2 * DIRECTION + 14,
  largeSent: 2 * DIRECTION + 15,
  largeReceived: 2 * DIRECTION + 16,
} as const;
export const SIZE = 2 * DIRECTION + 17;

/** What a host did is told of its source's side, what it suffered of the other. */
const SIDE = {
  scan: "SRC",
  floodVictim: "DST",
  floodAttacker: "SRC",
  sshVictim: "DST",
  sshAttacker: "SRC",
  dnsServer: "SRC",
  dnsVictim: "DST",
} as const satisfies Record<RuleName, "SRC" | "DST">;

/** Judges hosts whose records leave, in the original's words. */
export class OriginalRules {
  readonly #out: Setup["out"];
  readonly #settings: Settings;
  readonly #counters: Float64Array;
  readonly #sums: Sums;
  /** The host under judgement. */
  #at = 0;
  #ip: Address | undefined;

  constructor({ out }: Setup, settings: Settings, counters: Float64Array) {
    this.#out = out;
    this.#settings = settings;
    this.#counters = counters;
    this.#sums = new Sums(settings);
  }

  judge(at: number, ip: Address): void {
    const { generic, dns, ssh } = this.#settings;
    this.#at = at;
    this.#ip = ip;
    this.#sums.load32(this.#counters, at);
    if (generic !== 0) this.#judgeFlows();
    if (dns !== 0) this.#judgeDns();
    if (ssh !== 0) this.#judgeSsh();
  }

  #alert(rule: RuleName, scale: number, note: string, record: Values<typeof alerts>): void {
    this.#out.alerts.send(
      {
        SRC_IP: NOWHERE,
        DST_IP: NOWHERE,
        [`${SIDE[rule]}_IP`]: this.#ip,
        EVENT_TYPE: EVENT[rule],
        EVENT_SCALE: scale,
        TIME_FIRST: this.#counters[this.#at + MORE.first]! * SECOND,
        TIME_LAST: this.#counters[this.#at + MORE.last]! * SECOND,
        NOTE: note,
        ...record,
      },
      { rule, key: `${rule}:${this.#ip}`, reason: note },
    );
  }

  #judgeFlows(): void {
    const sums = this.#sums;
    const settings = this.#settings;
    const counters = this.#counters;
    const at = this.#at;
    if (scans(sums, counters[at + MORE.asked]!, settings)) {
      const scale = sums.all(OUT, SYNS) - sums.all(OUT, ACKS);
      this.#alert("scan", scale, "horizontal SYN scan", { PROTOCOL: TCP });
    }
    const incoming = `in: ${sums.all(IN, FLOWS)} flows, ${sums.all(IN, PACKETS)} packets; `;
    const outgoing = `out: ${sums.all(OUT, FLOWS)} flows, ${sums.all(OUT, PACKETS)} packets; `;
    const sources = counters[at + MORE.heardFrom]!;
    const flooded = isFlooded(sums, counters[at + MORE.synPackets]!, settings);
    if (flooded) {
      const forged = sums.all(IN, FLOWS) < 2 * sources ? " (probably spoofed)" : "";
      const note = `${incoming}${outgoing}approx. ${sources} source addresses${noteOf(flooded)}${forged}`;
      this.#alert("floodVictim", sums.all(IN, FLOWS), note, protocolOf(flooded));
    }
    const targets = counters[at + MORE.sentTo]!;
    const flooding = floods(sums, targets, settings);
    if (flooding) {
      const note = `${outgoing}${incoming}approx. ${targets} destination addresses${noteOf(flooding)}`;
      this.#alert("floodAttacker", sums.all(OUT, FLOWS), note, protocolOf(flooding));
    }
  }

  #judgeDns(): void {
    const { dnsResponses } = this.#settings;
    const sent = this.#counters[this.#at + MORE.largeSent]!;
    if (sent > dnsResponses)
      this.#alert("dnsServer", sent, "DNS amplification - misused server", { SRC_PORT: DNS });
    const received = this.#counters[this.#at + MORE.largeReceived]!;
    // The port that it comes from, in truth.
    if (received > dnsResponses)
      this.#alert("dnsVictim", received, "DNS amplification - victim", { DST_PORT: DNS });
  }

  #judgeSsh(): void {
    const ssh = this.#at + MORE.ssh;
    const addresses = this.#counters[this.#at + MORE.sshSentTo]!;
    const record = { PROTOCOL: TCP, DST_PORT: SSH_PORT };
    const requests = (side: number): number => this.#counters[ssh + side + SSH.request + SSH.syns]!;
    if (isGuessedAt(this.#counters, ssh, addresses, this.#settings))
      this.#alert("sshVictim", requests(SSH.in), "victim", record);
    if (guesses(this.#counters, ssh, addresses, this.#settings))
      this.#alert("sshAttacker", requests(SSH.out), "attacker", record);
  }
}

const noteOf = (flood: Flood): string => (flood === "syn" ? "; SYN flood" : "");
const protocolOf = (flood: Flood) => (flood === "syn" ? { PROTOCOL: TCP } : {});
