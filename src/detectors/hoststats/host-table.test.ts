// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { StateStore } from "../../core/state/state-store.ts";
import { Address } from "../../core/unirec/ip.ts";
import { HEAD, HostTable } from "./host-table.ts";

const host = (i: number): Address => new Address().setV4(0x0a000000 + i);
const tableOf = (rows: number): HostTable =>
  new HostTable("hosts", { rows, numbers: 1 }, new StateStore(() => {}));

/** The row of a host, made when there is none. */
function rowOf(table: HostTable, i: number): number {
  const hash = table.hash(host(i));
  const found = table.find(host(i), hash);
  if (found >= 0) return found;
  const row = table.next();
  table.insert(row, host(i), hash);
  return row;
}

describe("HostTable", () => {
  test("HostTable finds each host that it holds, and nothing else, whatever came and went", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 400 }), (visits) => {
        const table = tableOf(16);
        const held = new Map<number, number>();
        for (const i of visits) {
          const row = rowOf(table, i);
          for (const [other, at] of held) if (at === row && other !== i) held.delete(other);
          held.set(i, row);
          expect(String(table.ip(row))).toBe(String(host(i)));
        }
        for (let i = 0; i <= 60; i++)
          expect(table.find(host(i), table.hash(host(i)))).toBe(held.get(i) ?? -1);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test("HostTable keeps a host that is at work among any number of hosts seen once", () => {
    const table = tableOf(16);
    const row = rowOf(table, 0);
    for (let i = 1; i < 500; i++) {
      rowOf(table, i);
      expect(rowOf(table, 0)).toBe(row);
    }
    expect(table.used).toBe(16);
  });

  test("HostTable keeps the four words of an address apart", () => {
    const table = tableOf(64);
    const addresses = [0, 1, 2, 3].map((word) => {
      const address = new Address();
      Object.assign(address, { [`w${word}`]: 7 });
      return address;
    });
    const rows = addresses.map((address) => {
      const row = table.next();
      table.insert(row, address, table.hash(address));
      return row;
    });
    expect(addresses.map((address) => table.find(address, table.hash(address)))).toEqual(rows);
    expect(new Set(rows).size).toBe(4);
  });

  test("HostTable keeps numbers beside the address, behind its own", () => {
    const table = tableOf(4);
    const row = rowOf(table, 9);
    table.numbers[row * table.size + HEAD.size] = 5;
    table.numbers[row * table.size + HEAD.touched] = 6;
    expect(rowOf(table, 9)).toBe(row);
    expect(table.numbers[row * table.size + HEAD.size]).toBe(5);
    expect(table.guess(table.hash(host(9)))).toBe(row);
    expect(table.guess(table.hash(host(10)))).toBe(0);
  });
});
