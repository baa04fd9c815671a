// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { Collected, type DatagramHead, datagram, flow, header, tcp4 } from "./testing/datagrams.ts";

/** What is known of loss once datagrams with these heads have come. */
function lost(...heads: readonly DatagramHead[]) {
  const collected = new Collected();
  for (const head of heads) collected.take(datagram([], head));
  const { lost: count, late, restarts } = collected.collector.agents.sequences;
  return [count, late, restarts];
}

/** Drops that are counted once an agent's sources have told theirs. */
function dropped(...told: readonly (readonly [source: number, drops: number, uptime?: number])[]) {
  const collected = new Collected();
  for (const [source, drops, uptime = 1000] of told)
    collected.take(datagram([flow([header(tcp4(1, 2))], { source, drops })], { uptime }));
  return collected.collector.agents.dropped;
}

describe("Agents", () => {
  test("count datagrams that never came, of each sub-agent by itself", () => {
    expect(lost({ sequence: 1 }, { sequence: 2 }, { sequence: 5 })).toEqual([2, 0, 0]);
    expect(
      lost(
        { sequence: 1 },
        { sequence: 900, subAgent: 1 },
        { sequence: 50, agent: "192.0.2.9" },
        { sequence: 7, agent: "2001:db8::1" },
        { sequence: 60, agent: "2001:db8::2" },
        { sequence: 2 },
        { sequence: 902, subAgent: 1 },
        { sequence: 8, agent: "2001:db8::1" },
      ),
    ).toEqual([1, 0, 0]);
  });

  test("take one that comes late back, and go on when numbers begin anew after the last", () => {
    expect(lost({ sequence: 1 }, { sequence: 3 }, { sequence: 2 })).toEqual([0, 1, 0]);
    expect(lost({ sequence: 2 ** 32 - 1 }, { sequence: 0 }, { sequence: 2 })).toEqual([1, 0, 0]);
  });

  test("see by its uptime that an agent has begun anew, and that its uptime has run over", () => {
    const hour = 3_600_000;
    expect(
      lost(
        { sequence: 500, uptime: hour },
        { sequence: 1, uptime: 2000 },
        { sequence: 3, uptime: 3000 },
      ),
    ).toEqual([1, 0, 1]);
    expect(lost({ sequence: 500, uptime: 2 ** 32 - 1 }, { sequence: 501, uptime: 900 })).toEqual([
      0, 0, 0,
    ]);
    expect(lost({ sequence: 1, uptime: 2 ** 31 + 5 })).toEqual([0, 0, 0]);
  });

  test("count what agents could not sample, of each data source since it was first heard of", () => {
    expect(dropped([3, 100], [3, 100], [3, 107], [4, 5000], [4, 5001])).toBe(8);
    expect(dropped([3, 100], [3, 90], [3, 101])).toBe(1);
    expect(dropped([3, 2 ** 32 - 2], [3, 3])).toBe(5);
    expect(dropped([3, 100, 3_600_000], [3, 7, 2000], [3, 9, 2500])).toBe(2);
  });

  test("are no more than there is memory for, however many addresses somebody makes up", () => {
    const collected = new Collected();
    const bytes = datagram([flow([header(tcp4(1, 2))], { drops: 1 })]);
    for (let i = 0; i < 70_000; i++) {
      bytes.writeUInt32BE(i, 8);
      collected.take(bytes);
    }
    // The first is forgotten, so its number tells nothing; the last is not.
    bytes.writeUInt32BE(9, 16);
    collected.take(bytes);
    bytes.writeUInt32BE(0, 8);
    collected.take(bytes);
    expect(collected.collector.agents.sequences.lost).toBe(7);
    expect(collected.counts.flows).toBe(70_002);
  });
});
