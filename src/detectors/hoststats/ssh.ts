// SPDX-License-Identifier: BSD-3-Clause
import type { Ip } from "../../core/unirec/types.ts";
import { addressesOf, hashOf, SKETCH, setBit } from "./addresses.ts";
import { type Flow, kindOf, synOf } from "./flow.ts";
import type { Setup } from "./params.ts";
import { Profile } from "./profile.ts";
import { reporter } from "./report.ts";
import { guesses, IN, isGuessedAt, OUT, REQUEST, SSH, UNKNOWN } from "./rules.ts";
import type { Settings } from "./settings.ts";

const RULES = ["sshVictim", "sshAttacker"] as const;
const VICTIM = 0;
const ATTACKER = 1;
/** Hosts that speak SSH, at once, as a part of all. */
const PART = 8;
/** A host's numbers: those of {@link SSH}, how many bits are set of the addresses that it sent to, and they. */
const BITS_SET = SSH.size;
const MET = BITS_SET + 1;
const SIZE = MET + SKETCH;

const EVIDENCE_SLOTS = 256;

/** Guessing of passwords: rules about the SSH flows of a host. */
export function watchSsh(context: Setup, settings: Settings) {
  const rows = Math.max(16, Math.ceil(settings.hosts / PART));
  const report = reporter(context, settings);
  const profile = new Profile(context, {
    name: "ssh",
    rows,
    numbers: SIZE,
    rules: RULES.length,
    window: settings.window,
    evidence: EVIDENCE_SLOTS,
    say: (finding, ip) =>
      report(RULES[finding.rule]!, finding, {
        ip,
        evidence: profile.evidence(finding.row, finding.rule === VICTIM ? IN : OUT),
      }),
  });
  const { numbers: counters, table } = profile;
  const { words } = table;
  const suspectAt = Math.ceil(settings.sshRequests / 2);

  function count(row: number, side: number, kind: number, flow: Flow): number {
    const at = profile.at(row) + side + (kind === REQUEST ? SSH.request : SSH.response);
    const syn = synOf(flow.TCP_FLAGS);
    counters[at + SSH.packets]! += flow.PACKETS;
    counters[at + SSH.syns]! += syn;
    // How many requests with a SYN there are, or 0 where this flow changes nothing.
    return kind === REQUEST && syn !== 0 ? counters[at + SSH.syns]! : 0;
  }

  /** The rule holds, with the requests on one side. */
  function hold(row: number, rule: number, side: number, addresses: number): void {
    const observed = counters[side + SSH.request + SSH.syns]!;
    profile.hold(row, rule, { observed, addresses, note: 0 });
  }

  function judge(row: number): void {
    const at = profile.at(row);
    const met = addressesOf(counters[at + BITS_SET]!);
    if (isGuessedAt(counters, at, met, settings)) hold(row, VICTIM, at + SSH.in, met);
    if (guesses(counters, at, met, settings)) hold(row, ATTACKER, at + SSH.out, met);
  }

  function see(ip: Ip, peer: Ip, direction: number, flow: Flow): void {
    const kind = kindOf(flow, settings);
    const row = profile.rowOf(ip, table.hash(ip));
    const at = profile.at(row);
    if (direction === OUT && setBit(words, (at + MET) * 2, hashOf(peer)))
      counters[at + BITS_SET]!++;
    if (kind === UNKNOWN) return;
    const requests = count(row, direction === OUT ? SSH.out : SSH.in, kind, flow);
    if (requests >= suspectAt) profile.keep(row, direction, requests === suspectAt, flow);
    const most = Math.max(
      counters[at + SSH.out + SSH.request + SSH.syns]!,
      counters[at + SSH.in + SSH.request + SSH.syns]!,
    );
    if (most > settings.sshRequests) judge(row);
  }

  return {
    see(flow: Flow): void {
      profile.time = flow.TIME_LAST;
      see(flow.SRC_IP, flow.DST_IP, OUT, flow);
      see(flow.DST_IP, flow.SRC_IP, IN, flow);
    },
    expire: (now: number) => profile.expire(now),
    end: () => profile.end(),
  };
}
