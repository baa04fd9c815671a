// SPDX-License-Identifier: BSD-3-Clause
/** What is in public captures, as the product's own meter tells it. */
import { describe, expect, test } from "bun:test";
import type { AnyProtocol } from "../../core/metadata/protocol.ts";
import idpcontent from "../../core/metadata/protocols/idpcontent.ts";
import tls from "../../core/metadata/protocols/tls.ts";
import { protocolRows } from "../../core/metadata/testing/protocol-kit.ts";
import { play } from "../../core/testing/play.ts";
import { hasShared, NO_SHARED, sharedPath } from "../../core/testing/shared.ts";
import miner from "./index.ts";

const LABELLED = "corpus/labelled";

/** Events found in a capture of which the meter tells what a plugin finds: rule, client and server. */
function events(def: AnyProtocol, path: string): string[] {
  const fields = new Set(miner.inputs.flows.fields.map(({ name }) => name));
  const rows = protocolRows(def, sharedPath(path), { idle: 30, active: 300 })
    .map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => fields.has(name))))
    .sort((a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]));
  const { alerts } = play(miner, rows);
  const texts = alerts.map(({ rule, key }) => `${rule} ${key.slice("miner:".length)}`);
  return [...new Set(texts)].sort();
}

describe.skipIf(!hasShared(LABELLED))(
  `miner in captures${hasShared(LABELLED) ? "" : ` (${NO_SHARED})`}`,
  () => {
    test("miner finds the four pools of three miners by their first bytes", () => {
      expect(events(idpcontent as AnyProtocol, `${LABELLED}/ndpi/mining.pcapng`)).toEqual([
        "9000061 147.229.13.222>185.71.66.39:9999",
        "9000061 192.168.2.148>116.211.167.195:3333",
        "9000061 192.168.2.148>94.23.199.191:3333",
        "9000061 192.168.2.92>178.32.196.217:9050",
      ]);
    });

    test("miner takes peers of Monero for nodes", () => {
      const found = events(idpcontent as AnyProtocol, `${LABELLED}/ndpi/monero.pcap`);
      expect(found).toHaveLength(4);
      for (const event of found) expect(event).toStartWith("9000065 192.168.2.100>");
    });

    test.each(["tor.pcap", "emotet.pcap", "ssh.pcap", "bot.pcap", "log4j-webapp-exploit.pcap"])(
      "miner finds no miner in %s",
      (file) => {
        for (const def of [idpcontent, tls])
          expect(events(def as AnyProtocol, `${LABELLED}/ndpi/${file}`)).toEqual([]);
      },
    );
  },
);
