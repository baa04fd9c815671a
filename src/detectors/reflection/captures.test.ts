// SPDX-License-Identifier: BSD-3-Clause
/** What is in captures of attacks, as the product's own meter tells it. */
import { describe, expect, test } from "bun:test";
import { flowsOfCapture } from "../../core/testing/capture-flows.ts";
import { play } from "../../core/testing/play.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import { SECOND } from "../../core/unirec/time.ts";
import reflection from "./index.ts";

const LABELLED = "corpus/labelled/ddos";
const VICTIM = "10.10.10.10";

const flowsOf = (file: string) =>
  flowsOfCapture(sharedPath(LABELLED, file), reflection.inputs.flows);

describe.skipIf(!hasShared(LABELLED))(
  `reflection in captures${hasShared(LABELLED) ? "" : ` (${NO_SHARED})`}`,
  () => {
    test.each([
      ["amp.UDP.snmp.src161.pcapng", "snmp", 4000],
      ["amp.dns.RRSIG.fragmented.pcap", "dns", 46],
      ["amp.TCP.reflection.SYNACK.pcap", "tcp", 6900],
    ])("reflection names the victim of %s within 5 s of the first packet", (file, rule, count) => {
      const rows = flowsOf(file);
      const begin = Math.min(...rows.map(({ TIME_FIRST }) => Number(TIME_FIRST)));
      const { alerts } = play(reflection, rows);
      expect(alerts[0]!.detectTime - begin).toBeLessThanOrEqual(5 * SECOND);
      expect(new Set(alerts.map(({ key }) => key))).toEqual(
        new Set([`reflection:${VICTIM}<${rule}`]),
      );
      expect(Math.abs(alerts.at(-1)!.source.count! / count - 1)).toBeLessThan(0.05);
    });

    test("reflection finds none where SYNs are forged", () => {
      expect(play(reflection, flowsOf("pkt.TCP.synflood.spoofed.pcap")).alerts).toEqual([]);
    });
  },
);
