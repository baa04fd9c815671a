// SPDX-License-Identifier: BSD-3-Clause
/** Ordinary calls in public captures, as the product's own meter tells of them. */
import { describe, expect, test } from "bun:test";
import sip from "../../core/metadata/protocols/sip.ts";
import { protocolRows } from "../../core/metadata/testing/protocol-kit.ts";
import { play } from "../../core/testing/play.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import voipFraud from "./index.ts";

const CAPTURES = ["corpus/labelled/ndpi/sip.pcap", "corpus/pcap/ipfixprobe/sip.pcap"];
const absent = CAPTURES.some((path) => !hasShared(path));

/** Calls in a capture, of which each is a flow or, with `compat`, each message. */
function callsIn(path: string, compat: boolean) {
  const fields = new Set(voipFraud.inputs.flows.fields.map(({ name }) => name));
  return protocolRows(sip, sharedPath(path), { idle: 30, active: 300, compat })
    .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => fields.has(name))))
    .sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));
}

describe.skipIf(absent)(`voip-fraud in captures${absent ? ` (${NO_SHARED})` : ""}`, () => {
  test.each(CAPTURES)("voip-fraud finds no guessing in %s", (path) => {
    for (const compat of [false, true]) {
      const rows = callsIn(path, compat);
      expect(rows.some((row) => row["SIP_MSG_TYPE"] === 1)).toBe(true);
      expect(play(voipFraud, rows).alerts).toEqual([]);
    }
  });

  test("voip-fraud finds the calls of a capture that go to another country than the usual ones", () => {
    const rows = callsIn(CAPTURES[0]!, false);
    const { alerts } = play(voipFraud, rows, { params: { countries: "45" } });
    expect([...new Set(alerts.map(({ key }) => key))]).toEqual(["voip-fraud:192.168.1.2>+972"]);
  });
});
