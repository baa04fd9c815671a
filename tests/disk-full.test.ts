// SPDX-License-Identifier: BSD-3-Clause
// Store, queue and file sink on a file system that is really full: by a foreign file, and by alerts alone.
import { Database } from "bun:sqlite";
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { deliveryHealth } from "../src/control/api/health.ts";
import { Delivery } from "../src/control/delivery/delivery.ts";
import { FakeSink, numbered } from "../src/control/delivery/testing/sinks.ts";
import { AlertStore } from "../src/control/store/alert-store.ts";
import file from "../src/exporters/file/index.ts";
import { KINDS, Volume, volumeObstacle } from "./disk-full/volume.ts";

const obstacle = volumeObstacle();
const reason = obstacle === undefined ? "" : ` (skipped: ${obstacle})`;
/** As the smallest partition for data could be. */
const MEGABYTES = 16;
const LONG = "x".repeat(900);
/** Milliseconds after which what is waited for is taken not to come; how long it took is printed. */
const PATIENCE_MS = 20_000;

setDefaultTimeout(60_000);

/** What `nemean up` keeps on its disk, with a sink that writes to the same one and a sink that needs none. */
class Outlets implements AsyncDisposable {
  readonly store: AlertStore;
  readonly elsewhere = new FakeSink();
  readonly #delivery: Delivery;
  readonly #path: string;
  put = 0;

  constructor({ path }: Volume) {
    this.#path = path;
    this.store = new AlertStore(`${path}/nemean.sqlite`);
    const params = { path: this.lines, format: "json", rotate: 0, keep: 5, mode: "0640" } as const;
    const sink = file.open({ ...params, sync: false }, { host: "test", version: "0" });
    this.#delivery = Delivery.start(`${path}/delivery.sqlite`, [
      { name: "file", sink },
      { name: "elsewhere", sink: this.elsewhere },
    ]);
  }

  get lines(): string {
    return `${this.#path}/alerts.json`;
  }

  /** Give alerts as detection does: it never waits, and nothing may throw. */
  alerts(count: number): void {
    for (let i = 0; i < count; i++) {
      const alert = numbered(this.put++, { reason: LONG });
      this.store.put(alert);
      this.#delivery.put(alert);
    }
  }

  /** Reasons as the API's health tells them. */
  get health(): string[] {
    return [...this.store.health(), ...deliveryHealth(this.#delivery.stats())];
  }

  get sinks() {
    return this.#delivery.stats().sinks;
  }

  /** All that was put is acknowledged, by the store and by the queue. */
  async committed(): Promise<boolean> {
    return this.store.flush() && (await this.#delivery.committed());
  }

  async close(): Promise<void> {
    this.store.close();
    await this.#delivery.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Wait for something that has to come, and say how long it took. */
async function until(
  what: string,
  look: () => boolean,
  meanwhile: () => void = () => {},
): Promise<void> {
  const began = performance.now();
  while (!look()) {
    if (performance.now() - began > PATIENCE_MS) throw new Error(`${what} did not come`);
    meanwhile();
    await Bun.sleep(20);
  }
  process.stdout.write(`${what} after ${Math.round(performance.now() - began)} ms\n`);
}

const FULL = [
  expect.stringMatching(/^alert store: .*full; \d+ alerts wait, 0 lost$/),
  expect.stringMatching(/^delivery queue: .*full/),
  expect.stringMatching(/^sink file: .*ENOSPC.*; \d+ alerts wait$/),
];

const numbersIn = (path: string): number[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line).observed);

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

/** What is in a folder that nobody has open is sound, and all of these numbers are stored. */
function expectStored(path: string, numbers: readonly number[]): void {
  for (const name of ["nemean.sqlite", "delivery.sqlite"]) {
    using raw = new Database(`${path}/${name}`);
    expect(raw.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  }
  using raw = new Database(`${path}/nemean.sqlite`);
  const rows = raw
    .query("SELECT json_extract(body, '$.observed') FROM event ORDER BY seq")
    .values();
  expect(rows.flat()).toEqual([...numbers]);
}

describe.skipIf(obstacle !== undefined)(`a full disk${reason}`, () => {
  test.each(KINDS)(
    "a %s filled by a foreign file costs no alert, is told, and is forgotten once there is room",
    async (kind) => {
      using volume = new Volume(kind, MEGABYTES);
      await using outlets = new Outlets(volume);
      outlets.alerts(300);
      expect(await outlets.committed()).toBeTrue();
      expect(outlets.health).toEqual([]);

      volume.fill();
      const more = () => outlets.alerts(20);
      await until(`${kind}: degraded`, () => outlets.health.length === 3, more);
      outlets.alerts(1000);
      await Bun.sleep(100);
      expect(outlets.health).toEqual(FULL);
      // Who looks while it is full sees what there was.
      expect(outlets.store.page({ limit: 1 }).items).toHaveLength(1);

      volume.free();
      await until(`${kind}: healthy`, () => outlets.health.length === 0);
      const all = upTo(outlets.put);
      const isDelivered = () => outlets.sinks.every(({ waiting }) => waiting === 0);
      await until(`${kind}: delivered`, isDelivered);
      expect([numbersIn(outlets.lines), outlets.elsewhere.taken]).toEqual([all, all]);
      await outlets.close();
      expectStored(volume.path, all);
    },
  );

  test("a tmpfs filled by alerts alone takes them again once it is larger", async () => {
    using volume = new Volume("tmpfs", 8);
    await using outlets = new Outlets(volume);
    const more = () => outlets.alerts(100);
    // Whichever comes first leaves no room for the others.
    await until("degraded", () => outlets.health.length >= 2, more);
    expect(outlets.store.counts().dropped).toBe(0);
    volume.grow(128);
    await until("healthy", () => outlets.health.length === 0);
    const all = upTo(outlets.put);
    await until("delivered", () => outlets.sinks.every(({ waiting }) => waiting === 0));
    expect([numbersIn(outlets.lines), outlets.elsewhere.taken]).toEqual([all, all]);
    await outlets.close();
    expectStored(volume.path, all);
  });

  test.each(KINDS)(
    "a %s that is full is closed and opened again with all that was acknowledged",
    async (kind) => {
      using volume = new Volume(kind, MEGABYTES);
      const outlets = new Outlets(volume);
      const acknowledged = 500;
      outlets.alerts(acknowledged);
      expect(await outlets.committed()).toBeTrue();
      volume.fill();
      await until(
        `${kind}: degraded`,
        () => outlets.health.length === 3,
        () => outlets.alerts(20),
      );
      const began = performance.now();
      await outlets.close();
      process.stdout.write(
        `${kind}: closed in ${Math.round(performance.now() - began)} ms while full\n`,
      );
      volume.free();
      await using again = new Outlets(volume);
      const { total } = again.store.counts();
      expect(total).toBeGreaterThanOrEqual(acknowledged);
      await until(`${kind}: delivered`, () => again.sinks.every(({ waiting }) => waiting === 0));
      const lines = numbersIn(again.lines);
      // What its own queue had acknowledged, without a gap; the last batch may be there twice.
      expect([...new Set(lines)]).toEqual(upTo(new Set(lines).size));
      expect(new Set(lines).size).toBeGreaterThanOrEqual(acknowledged);
      await again.close();
      expectStored(volume.path, upTo(total));
    },
  );
});
