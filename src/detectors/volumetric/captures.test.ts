// SPDX-License-Identifier: BSD-3-Clause
/** What is in captures of attacks, as the product's own meter tells it. */
import { describe, expect, test } from "bun:test";
import { flowsOfCapture } from "../../core/testing/capture-flows.ts";
import { play } from "../../core/testing/play.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import { SECOND } from "../../core/unirec/time.ts";
import volumetric from "./index.ts";

const LABELLED = "corpus/labelled/ddos";
const VICTIM = "10.10.10.10";

const flowsOf = (file: string) =>
  flowsOfCapture(sharedPath(LABELLED, file), volumetric.inputs.flows);

describe.skipIf(!hasShared(LABELLED))(
  `volumetric in captures${hasShared(LABELLED) ? "" : ` (${NO_SHARED})`}`,
  () => {
    test("volumetric names the victim of a SYN flood from 37,623 addresses, within 5 s of the first of them", () => {
      const rows = flowsOf("pkt.TCP.synflood.spoofed.pcap");
      const begin = Math.min(...rows.map(({ TIME_FIRST }) => Number(TIME_FIRST)));
      const { alerts } = play(volumetric, rows);
      expect(alerts[0]!.detectTime - begin).toBeLessThanOrEqual(5 * SECOND);
      expect(new Set(alerts.map(({ key }) => key))).toEqual(new Set([`volumetric:${VICTIM}<syn`]));
      expect(alerts.at(-1)!.target).toEqual({ ip: VICTIM, port: 25_565 });
      expect(Math.abs(alerts.at(-1)!.source.count! / 37_623 - 1)).toBeLessThan(0.03);
    });

    test("volumetric finds a flood of SYN-ACKs by servers as well", () => {
      const [alert] = play(volumetric, flowsOf("amp.TCP.reflection.SYNACK.pcap")).alerts;
      expect(alert!.key).toBe(`volumetric:${VICTIM}<tcp`);
    });
  },
);
