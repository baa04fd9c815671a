// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import {
  type Arbitrary,
  array,
  assert,
  constant,
  constantFrom,
  integer,
  oneof,
  property,
  record,
} from "fast-check";
import { parseIp } from "../unirec/ip.ts";
import type { Ip } from "../unirec/types.ts";
import { StateStore } from "./state-store.ts";
import { type KeyPart, Table } from "./table.ts";

const ip = (text: string): Ip => parseIp(text)!;
const NO_COUNT = () => {};

interface Left {
  readonly key: string;
  readonly why: string;
}

/** A table under test: what left it, and what it counted. */
function tableOf(rows: number, idle: number, key: readonly KeyPart[] = ["ip", "ip"]) {
  const left: Left[] = [];
  const counted: Record<string, number> = {};
  const store = new StateStore(NO_COUNT);
  const keyOf = (row: number): string => `${table.ip(row, 0)}>${table.ip(row, 4)}`;
  const table: Table = new Table(
    "pairs",
    { key, rows, idle, onLeave: (row, why) => left.push({ key: keyOf(row), why }) },
    store,
    (counter, by = 1) => {
      counted[counter] = (counted[counter] ?? 0) + by;
    },
  );
  return { table, left, counted, store, keyOf };
}

test("Table gives a key the same row again, and another key another one", () => {
  const { table } = tableOf(4, 100);
  const row = table.upsertPair(ip("10.0.0.1"), ip("10.0.0.2"), 1);
  expect(table.isNew).toBe(true);
  expect(table.upsertPair(ip("10.0.0.1"), ip("10.0.0.2"), 2)).toBe(row);
  expect(table.isNew).toBe(false);
  expect(table.upsertPair(ip("10.0.0.2"), ip("10.0.0.1"), 2)).not.toBe(row);
  expect(table.isNew).toBe(true);
  expect(table.size).toBe(2);
  expect(table.touched(row)).toBe(2);
});

test("Table takes keys of an address, and of an address and a number", () => {
  const single = new Table(
    "a",
    { key: ["ip"], rows: 4, idle: 10 },
    new StateStore(NO_COUNT),
    NO_COUNT,
  );
  const row = single.upsertIp(ip("2001:db8::1"), 1);
  expect(String(single.ip(row, 0))).toBe("2001:db8::1");
  const numbered = new Table(
    "b",
    { key: ["ip", "number"], rows: 4, idle: 10 },
    new StateStore(NO_COUNT),
    NO_COUNT,
  );
  const first = numbered.upsertIpNumber(ip("::1"), 443, 1);
  const second = numbered.upsertIpNumber(ip("::1"), -1, 1);
  expect(first).not.toBe(second);
  expect([numbered.number(first, 4), numbered.number(second, 4)]).toEqual([443, -1]);
});

test("Table tells apart keys of three parts and of numbers alone", () => {
  const triple = new StateStore(() => {}).table("triple", {
    key: ["ip", "ip", "number"],
    rows: 4,
    idle: 9,
  });
  const [a, b] = [ip("10.0.0.1"), ip("10.0.0.2")];
  const row = triple.upsertPairNumber(a, b, 80, 1);
  expect(triple.upsertPairNumber(a, b, 443, 1)).not.toBe(row);
  expect(triple.upsertPairNumber(a, b, 80, 1)).toBe(row);
  expect([String(triple.ip(row, 4)), triple.number(row, 8)]).toEqual(["10.0.0.2", 80]);
  const named = new StateStore(() => {}).table("named", {
    key: ["ip", "number", "number"],
    rows: 4,
    idle: 9,
  });
  expect(named.upsertIpNumbers(a, 1, 2, 1)).not.toBe(named.upsertIpNumbers(a, 2, 1, 1));
  const bare = new StateStore(() => {}).table("bare", {
    key: ["number", "number"],
    rows: 4,
    idle: 9,
  });
  expect(bare.upsertNumbers(1, 2, 1)).not.toBe(bare.upsertNumbers(2, 1, 1));
});

test("Table finds a row without touching it, and none where there is none", () => {
  const hosts = new StateStore(() => {}).table("hosts", { key: ["ip"], rows: 2, idle: 9 });
  const [a, b, c] = [ip("10.0.0.1"), ip("10.0.0.2"), ip("10.0.0.3")];
  const row = hosts.upsertIp(a, 1);
  hosts.upsertIp(b, 2);
  expect([hosts.findIp(a), hosts.findIp(c), hosts.touched(row)]).toEqual([row, -1, 1]);
  hosts.upsertIp(c, 3);
  expect(hosts.findIp(a)).toBe(-1);
  const pairs = new StateStore(() => {}).table("pairs", { key: ["ip", "ip"], rows: 2, idle: 9 });
  expect(pairs.findPair(a, b)).toBe(-1);
  expect(pairs.upsertPair(a, b, 1)).toBe(pairs.findPair(a, b));
  const ports = new StateStore(() => {}).table("ports", {
    key: ["ip", "number"],
    rows: 2,
    idle: 9,
  });
  expect(ports.findIpNumber(a, 80)).toBe(-1);
  expect(ports.upsertIpNumber(a, 80, 1)).toBe(ports.findIpNumber(a, 80));
});

test("Table makes a row anew when its key comes back after more than the idle time", () => {
  const { table, left } = tableOf(4, 100);
  const [a, b] = [ip("::1"), ip("::2")];
  const row = table.upsertPair(a, b, 1000);
  table.upsertPair(a, b, 1100);
  expect(table.isNew).toBe(false);
  table.upsertPair(a, b, 900);
  expect([table.isNew, table.touched(row)]).toEqual([false, 1100]);
  expect(table.upsertPair(a, b, 1201)).toBe(row);
  expect(table.isNew).toBe(true);
  expect(left).toEqual([{ key: "::1>::2", why: "idle" }]);
});

test("Table that is full spares a row that goes on, however many new keys come", () => {
  const { table, left, keyOf } = tableOf(8, 1_000_000);
  const [busy, other] = [ip("10.0.0.1"), ip("10.0.0.2")];
  const row = table.upsertPair(busy, other, 1);
  for (let i = 1; i < 1000; i++) {
    table.upsertPair(ip(`::${i}`), other, 1 + i);
    if (i % 3 === 0) table.upsertPair(busy, other, 1 + i);
  }
  expect(left).toHaveLength(992);
  expect([table.findPair(busy, other), keyOf(row)]).toEqual([row, "10.0.0.1>10.0.0.2"]);
});

test("Table of one row, and one of 65,537, hold as many", () => {
  for (const rows of [1, 3, 65_537]) {
    const store = new StateStore(NO_COUNT);
    const table = new Table("t", { key: ["ip", "number"], rows, idle: 10 }, store, NO_COUNT);
    for (let i = 0; i < rows + 2; i++) table.upsertIpNumber(ip("::"), i, 1);
    expect(table.size).toBe(rows);
    let seen = 0;
    table.forEach(() => {
      seen++;
    });
    expect(seen).toBe(rows);
  }
});

test("Table lets its rows be deleted while they are visited", () => {
  const { table, keyOf } = tableOf(8, 100);
  for (let i = 1; i <= 6; i++) table.upsertPair(ip(`::${i}`), ip("::"), i);
  table.forEach((row) => {
    if (table.touched(row) % 2 === 0) table.delete(row);
  });
  const rest: string[] = [];
  table.forEach((row) => {
    rest.push(keyOf(row));
  });
  expect(rest).toEqual(["::5>::", "::3>::", "::1>::"]);
});

describe("Table against a Map", () => {
  const PAIRS = Array.from({ length: 12 }, (_, i) => `::${(i % 4) + 1}>10.0.0.${i}`);
  const keys = constantFrom(...PAIRS);
  const act = <A extends string>(name: A, at: Arbitrary<number>) =>
    record({ act: constantFrom(name), key: keys, at });
  const step = oneof(
    { weight: 8, arbitrary: act("upsert", integer({ min: -5, max: 8 })) },
    { weight: 2, arbitrary: act("delete", constant(0)) },
    { weight: 1, arbitrary: act("expire", integer({ min: 0, max: 30 })) },
    { weight: 1, arbitrary: act("restore", constant(0)) },
  );
  const IDLE = 20;

  const STAY = IDLE / 16;
  const SPARED = 16;

  interface ModelRow {
    touched: number;
    moved: number;
    used: boolean;
  }

  /** The same, plainly: the Map's order is from the row that came to the front first to the one that came last. */
  class Model {
    readonly rows = new Map<string, ModelRow>();
    readonly left: Left[] = [];
    readonly #max: number;

    constructor(max: number) {
      this.#max = max;
    }

    upsert(key: string, time: number): boolean {
      const row = this.rows.get(key);
      if (row !== undefined) {
        const idle = time - row.touched > IDLE;
        if (idle) this.left.push({ key, why: "idle" });
        row.touched = Math.max(time, row.touched);
        if (time - row.moved > STAY) this.#toFront(key, time);
        else row.used = true;
        return idle;
      }
      if (this.rows.size === this.#max) this.#evict(time);
      this.rows.set(key, { touched: time, moved: time, used: false });
      return true;
    }

    #evict(time: number): void {
      for (let spared = 0; spared < SPARED; spared++) {
        const [[key, { used }]] = this.rows as unknown as [[string, ModelRow]];
        if (!used) break;
        this.#toFront(key, time);
      }
      const [oldest = ""] = this.rows.keys();
      this.left.push({ key: oldest, why: "evicted" });
      this.rows.delete(oldest);
    }

    #toFront(key: string, moved: number): void {
      const { touched } = this.rows.get(key)!;
      this.rows.delete(key);
      this.rows.set(key, { touched, moved, used: false });
    }

    expire(now: number): void {
      for (const [key, { touched, moved }] of [...this.rows]) {
        if (now - moved <= IDLE) return;
        if (now - touched <= IDLE) continue;
        this.left.push({ key, why: "idle" });
        this.rows.delete(key);
      }
    }
  }

  /** A table and its model, to which the same happens. */
  class Pair {
    tested: ReturnType<typeof tableOf>;
    readonly model: Model;
    evicted = 0;
    #time = 100;

    constructor(rows: number) {
      this.tested = tableOf(rows, IDLE);
      this.model = new Model(rows);
    }

    upsert(key: string, later: number): void {
      this.#time += later;
      const [a = "", b = ""] = key.split(">");
      const { table, keyOf } = this.tested;
      const row = table.upsertPair(ip(a), ip(b), this.#time);
      expect(table.isNew).toBe(this.model.upsert(key, this.#time));
      expect(keyOf(row)).toBe(key);
    }

    delete(key: string): void {
      if (!this.model.rows.delete(key)) return;
      const { table, keyOf } = this.tested;
      table.forEach((row) => {
        if (keyOf(row) === key) table.delete(row);
      });
    }

    expire(_: string, later: number): void {
      this.tested.table.expire(this.#time + later);
      this.model.expire(this.#time + later);
    }

    /** Go on with another table, of another seed, that takes this one's state. */
    restore(): void {
      const { store, left, counted, table } = this.tested;
      const next = tableOf(table.rows, IDLE);
      expect(next.store.restore(store.save())).toBe(true);
      next.left.push(...left);
      this.evicted += counted["pairs_evicted"] ?? 0;
      this.tested = next;
    }

    check(): void {
      const { table, left, counted, keyOf } = this.tested;
      const order: (readonly [string, number])[] = [];
      table.forEach((row) => {
        order.unshift([keyOf(row), table.touched(row)]);
      });
      expect(order).toEqual([...this.model.rows].map(([key, { touched }]) => [key, touched]));
      expect(left).toEqual(this.model.left);
      const evictions = left.filter(({ why }) => why === "evicted").length;
      expect(this.evicted + (counted["pairs_evicted"] ?? 0)).toBe(evictions);
    }
  }

  for (const rows of [1, 5, 8]) {
    test(`of ${rows} rows: upsert, delete, expire, evict, save and restore`, () => {
      assert(
        property(array(step, { maxLength: 120 }), (steps) => {
          const pair = new Pair(rows);
          for (const { act, key, at } of steps) {
            pair[act](key, at);
            expect(pair.tested.table.size).toBe(pair.model.rows.size);
          }
          pair.check();
        }),
        { seed: rows, numRuns: 150 },
      );
    });
  }
});

test("Table finds every key among thousands, of which half are deleted", () => {
  const store = new StateStore(NO_COUNT);
  const table = new Table("t", { key: ["ip", "number"], rows: 4096, idle: 10 }, store, NO_COUNT);
  const address = ip("192.0.2.1");
  const rows = Array.from({ length: 4096 }, (_, i) => table.upsertIpNumber(address, i * 4096, 1));
  expect(new Set(rows).size).toBe(4096);
  for (let i = 0; i < 4096; i += 2) table.delete(rows[i]!);
  for (let i = 1; i < 4096; i += 2) {
    expect(table.upsertIpNumber(address, i * 4096, 1)).toBe(rows[i]!);
    if (table.isNew) throw new Error(`lost ${i}`);
  }
  expect(table.size).toBe(2048);
});

test("Table's order of slots depends on a seed, so that nobody can aim at one", () => {
  const slotsOf = (): string => {
    const store = new StateStore(NO_COUNT);
    const column = store.column.bind(store);
    const rowsOfSlots: number[] = [];
    let index = new Int32Array(0);
    store.column = (name, kind, length) => {
      const made = column(name, kind, length);
      if (name === "t.index") index = made as unknown as Int32Array<ArrayBuffer>;
      return made;
    };
    const table = new Table("t", { key: ["ip"], rows: 64, idle: 10 }, store, NO_COUNT);
    for (let i = 0; i < 32; i++) table.upsertIp(ip(`::${i}`), 1);
    for (let slot = 0; slot < index.length; slot += 2) rowsOfSlots.push(index[slot + 1]!);
    expect(new Set(rowsOfSlots).size).toBe(33);
    return rowsOfSlots.join();
  };
  expect(slotsOf()).not.toBe(slotsOf());
});
