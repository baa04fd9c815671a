// SPDX-License-Identifier: BSD-3-Clause
import type { Ip } from "../../core/unirec/types.ts";
import { addressesOf, hashOf, SKETCH, setBit } from "./addresses.ts";
import type { Flow } from "./flow.ts";
import type { Setup } from "./params.ts";
import { Profile } from "./profile.ts";
import { reporter } from "./report.ts";
import { IN, OUT } from "./rules.ts";
import type { Settings } from "./settings.ts";

/** By direction: who sends large responses is misused, who receives them is the victim. */
const RULES = ["dnsServer", "dnsVictim"] as const;
/** Hosts with large DNS responses, at once, as a part of all. */
const PART = 8;
/** A host's numbers by direction: large responses, how many bits are set of the addresses at the other end, and they. */
const BITS_SET = 1;
const PEERS = 2;
const DIRECTION = PEERS + SKETCH;

const EVIDENCE_SLOTS = 256;

/** DNS amplification: rules about the large DNS responses of a host. */
export function watchDns(context: Setup, settings: Settings) {
  const { dnsResponses: limit } = settings;
  const rows = Math.max(16, Math.ceil(settings.hosts / PART));
  const report = reporter(context, settings);
  const profile = new Profile(context, {
    name: "dns",
    rows,
    numbers: 2 * DIRECTION,
    rules: RULES.length,
    window: settings.window,
    evidence: EVIDENCE_SLOTS,
    say: (finding, ip) =>
      report(RULES[finding.rule]!, finding, {
        ip,
        evidence: profile.evidence(finding.row, finding.rule),
      }),
  });
  const { numbers: counters, table } = profile;
  const { words } = table;
  const suspectAt = Math.ceil(limit / 2);

  function see(ip: Ip, peer: Ip, direction: number, flow: Flow): void {
    const row = profile.rowOf(ip, table.hash(ip));
    const at = profile.at(row) + direction * DIRECTION;
    if (setBit(words, (at + PEERS) * 2, hashOf(peer))) counters[at + BITS_SET]!++;
    const responses = ++counters[at]!;
    if (responses < suspectAt) return;
    profile.keep(row, direction, responses === suspectAt, flow);
    if (responses <= limit) return;
    const addresses = addressesOf(counters[at + BITS_SET]!);
    profile.hold(row, direction, { observed: responses, addresses, note: 0 });
  }

  return {
    /** A large response. */
    see(flow: Flow): void {
      profile.time = flow.TIME_LAST;
      see(flow.SRC_IP, flow.DST_IP, OUT, flow);
      see(flow.DST_IP, flow.SRC_IP, IN, flow);
    },
    expire: (now: number) => profile.expire(now),
    end: () => profile.end(),
  };
}
