// SPDX-License-Identifier: BSD-3-Clause
/**
 * What every detector has to do, whatever it detects: one call gives a detector dozens of tests.
 *
 * ```ts
 * testDetector(ddos, { alert: attack(), quiet: office(), other: host, small: { hostsMax: 16 }, evicted: "hosts_evicted" });
 * ```
 * @module
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EVIDENCE_MAX } from "../alert.ts";
import type { AnyModule } from "../module.ts";
import { parseTemplate, type Template } from "../unirec/template.ts";
import { SECOND } from "../unirec/time.ts";
import { testDeclaration } from "./declaration-kit.ts";
import { later, Play, type PlayOptions, play, said } from "./play.ts";
import { rowsText } from "./rows-text.ts";
import { type Row, runText } from "./run-module.ts";

export interface DetectorCase {
  /** Rows of the input `flows`: one attack that raises an alert with default parameters, and in compat mode. */
  readonly alert: readonly Row[];
  /** Rows that raise none in either mode: what is almost an attack. */
  readonly quiet: readonly Row[];
  /** A harmless row of a key of its own for each number; the kit sets its times. */
  readonly other: (i: number) => Row;
  /** Parameters by which the detector holds few keys, fewer than 64; they must let `alert` fire. */
  readonly small: Readonly<Record<string, unknown>>;
  /** The counter of keys that had to make room. */
  readonly evicted: string;
  /** Most bytes of state with default parameters; 128 MB when left out. */
  readonly stateMax?: number;
  /** Parameters of every test, such as a list that it cannot be without. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** What differs in compat mode. */
  readonly compat?: Partial<
    Pick<DetectorCase, "alert" | "quiet" | "other" | "small" | "evicted">
  > & {
    /** It has the original's own structures, in bounds but not in columns: no restart carries them over. */
    readonly replica?: true;
  };
}

/** Hold a detector against what holds for all of them, in default mode and in compat mode. */
export function testDetector(def: AnyModule, rows: DetectorCase): void {
  describe(`${def.name}, its declaration:`, () => testDeclaration(def));
  const modes = def.params["compat"] ? ["off", "nemea"] : ["off"];
  for (const compat of modes) {
    const mode = { ...rows.params, ...(def.params["compat"] ? { compat } : {}) };
    const own = compat === "nemea" ? { ...rows, ...rows.compat } : rows;
    describe(`${def.name}, compat ${compat}:`, () => {
      testAlerts(def, own, mode);
      testTime(def, own, mode);
      if (compat === "off" || !rows.compat?.replica) testRestart(def, own, mode);
      testLayouts(def, own, mode);
      testBounds(def, own, mode);
    });
  }
}

type Mode = Readonly<Record<string, unknown>>;

/** The rows of a whole story in the order of their times: an attack, what is almost one, and both a day later. */
const story = ({ alert, quiet }: DetectorCase): Row[] =>
  [...alert, ...quiet, ...later(alert, 86_400), ...later(quiet, 86_400)].sort(
    (a, b) => Number(a["TIME_LAST"]) - Number(b["TIME_LAST"]),
  );

function testAlerts(def: AnyModule, rows: DetectorCase, mode: Mode): void {
  const { name } = def;

  test(`${name} raises an alert for an attack`, () => {
    const { alerts, out } = play(def, rows.alert, { params: mode });
    expect(alerts.length).toBeGreaterThan(0);
    expect(out["alerts"]).toHaveLength(alerts.length);
  });

  test(`${name} raises none for what is almost an attack`, () => {
    expect(play(def, rows.quiet, { params: mode }).alerts).toEqual([]);
  });

  test(`${name} sends alerts that are whole`, () => {
    for (const alert of play(def, story(rows), { params: mode }).alerts) {
      expect(JSON.parse(JSON.stringify(alert))).toEqual(alert);
      expect(alert.key).toStartWith(`${name}:`);
      expect(Object.values(def.rules ?? {}).map(({ id }) => id)).toContain(alert.rule);
      expect(alert.severity >= 0 && alert.severity <= 10).toBe(true);
      expect(alert.confidence >= 0 && alert.confidence <= 1).toBe(true);
      expect(alert.firstTime).toBeLessThanOrEqual(alert.lastTime);
      expect(alert.lastTime).toBeLessThanOrEqual(alert.detectTime);
      expect(alert.source.ip ?? alert.target.ip).toBeString();
      expect(alert.evidence.length).toBeLessThanOrEqual(EVIDENCE_MAX);
    }
  });

  if (mode["compat"] === "nemea") return; // the original says nothing beside its record

  test(`${name} says why it fired, what it saw against which limit, and shows the flows`, () => {
    const titles = Object.values(def.rules ?? {}).map(({ title }) => title);
    for (const alert of play(def, story(rows), { params: mode }).alerts) {
      expect(alert.reason.length).toBeGreaterThan(20);
      expect(titles).not.toContain(alert.reason);
      expect(alert.observed).toBeNumber();
      expect(alert.threshold).toBeNumber();
      expect(alert.evidence.length).toBeGreaterThan(0);
    }
  });

  test(`${name} updates the open event of an attack instead of opening another`, () => {
    const { alerts } = play(def, rows.alert, { params: mode });
    expect(new Set(alerts.map(({ id }) => id)).size).toBe(1);
    expect(alerts.map(({ update }) => update)).toEqual(alerts.map((_, i) => i));
  });
}

function testTime(def: AnyModule, rows: DetectorCase, mode: Mode): void {
  const { name } = def;
  const params = { ...rows.small, ...mode };
  const all = story(rows);
  const end = Number(all.at(-1)!["TIME_LAST"]);

  test(`${name} sends the same whatever the borders of the batches`, () => {
    const whole = said(play(def, all, { params }));
    const cuts = fc.uniqueArray(fc.nat(all.length - 1), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, (at) => {
        expect(said(play(def, all, { params, cuts: at }))).toEqual(whole);
      }),
      { seed: 1, numRuns: 12 },
    );
    expect(said(play(def, all, { params, cuts: all.map((_, i) => i) }))).toEqual(whole);
  });

  test(`${name} says the same when event time steps at once or by seconds`, () => {
    const [once, often] = [new Play(def, { params }), new Play(def, { params })];
    once.rows(rows.alert).advance(end);
    often.rows(rows.alert);
    const from = Math.max(...rows.alert.map((row) => Number(row["TIME_LAST"])));
    for (let time = from; time < end; time += 7.3 * SECOND) often.advance(time);
    often.advance(end);
    expect(said(often.end())).toEqual(said(once.end()));
  });

  test(`${name} takes event time that goes back as no news`, () => {
    const steady = new Play(def, { params }).rows(rows.alert).advance(end);
    const back = new Play(def, { params })
      .rows(rows.alert)
      .advance(end)
      .advance(end - 3600 * SECOND);
    expect(said(back.end())).toEqual(said(steady.end()));
  });

  test(`${name} takes an empty batch, an end without records and a second end`, () => {
    const empty = new Play(def, { params });
    empty.advance(end);
    expect(empty.end().alerts).toEqual([]);
    expect(new Play(def, { params }).end().alerts).toEqual([]);
    const ended = new Play(def, { params }).rows(rows.alert);
    const once = said(ended.end());
    ended.port.end();
    ended.runner.end();
    expect(said(ended.outcome())).toEqual(once);
  });
}

function testRestart(def: AnyModule, rows: DetectorCase, mode: Mode): void {
  const { name } = def;
  const params = { ...rows.small, ...mode };
  const all = story(rows);

  test(`${name} goes on after a restart as if there had been none`, () => {
    for (const at of [1, Math.floor(all.length / 3), Math.floor((2 * all.length) / 3)]) {
      const cuts = [at - 1];
      const steady = said(play(def, all, { params, cuts }), { restarted: true });
      const former = new Play(def, { params }).rows(all, { to: at, cuts });
      const next = new Play(def, { params });
      expect(next.runner.state.restore(former.runner.state.save())).toBe(true);
      const parts = [former.outcome(), next.rows(all, { from: at }).end()];
      expect(said(parts, { restarted: true })).toEqual(steady);
    }
  });
}

function testLayouts(def: AnyModule, rows: DetectorCase, mode: Mode): void {
  const { name } = def;
  const params = { ...rows.small, ...mode };
  const input = def.inputs["flows"]!;
  const usual = (options: PlayOptions = {}) => said(play(def, rows.alert, { params, ...options }));
  const many = Array.from({ length: 20 }, (_, i) => `ipaddr A${i}`).join(",");
  const wide = parseTemplate(
    `${input.spec},string AA,uint8* ZZ,uint64 AB,time ZA,uint8 AC,${many}`,
  );

  test(`${name} reads its fields from a layout with others before, between and after`, () => {
    const extras = { AA: "text", ZZ: [1, 2, 3], AB: 2n ** 63n, ZA: 0, AC: 255, A7: "2001:db8::7" };
    const full = rows.alert.map((row) => ({ ...row, ...extras }));
    expect(said(play(def, full, { params, layout: wide }))).toEqual(usual());
  });

  test(`${name} goes on when the sender changes its layout`, () => {
    const half = Math.floor(rows.alert.length / 2);
    const changed = new Play(def, { params }).rows(rows.alert, { to: half });
    changed.negotiate(wide).rows(rows.alert, { from: half });
    expect(said(changed.end())).toEqual(usual());
  });

  test(`${name} reads columns of text in any order`, () => {
    const fields = [...input.fields];
    const text = said(runText(def, rowsText(fields, rows.alert), { params }));
    expect(said(runText(def, rowsText(fields.reverse(), rows.alert), { params }))).toEqual(text);
    expect(text.length).toBeGreaterThan(0);
  });

  test(`${name} refuses a layout without a required field and names it`, () => {
    for (const { name: field } of input.fields.filter(({ optional }) => !optional)) {
      const layout = without(input, (other) => other === field);
      expect(() => new Play(def, { params, layout })).toThrow(field);
    }
  });

  test(`${name} raises its alert where optional fields are absent`, () => {
    const optional = new Set(input.fields.flatMap((f) => (f.optional ? [f.name] : [])));
    const layout = without(input, (field) => optional.has(field));
    const bare = rows.alert.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([field]) => !optional.has(field))),
    );
    expect(play(def, bare, { params, layout }).alerts.length).toBeGreaterThan(0);
  });

  test(`${name} counts a record shorter than its layout and goes on`, () => {
    const short = new Play(def, { params });
    short.port.room(1).push(1);
    short.rows(rows.alert);
    expect(said(short.end())).toEqual(usual());
    expect(short.runner.inputs["flows"]!.cursor.malformed).toBe(1);
  });

  test(`${name} survives any bytes in a record`, () => {
    const random = new Play(def, { params });
    const size = input.fixedSize + 8;
    const record = fc.uint8Array({ minLength: size, maxLength: size });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 20 }), (records) => {
        for (const bytes of records) {
          const batch = random.port.room(size);
          batch.bytes.set(bytes, batch.push(size));
        }
        random.port.flush();
      }),
      { seed: 1, numRuns: 50 },
    );
    random.end();
    expect(random.runner.records).toBeGreaterThan(100);
  });
}

const without = (template: Template, leave: (field: string) => boolean): Template =>
  parseTemplate(
    template.fields.flatMap(({ name, type }) => (leave(name) ? [] : [`${type} ${name}`])).join(","),
  );

function testBounds(def: AnyModule, rows: DetectorCase, mode: Mode): void {
  const { name } = def;
  const params = { ...rows.small, ...mode };

  test(`${name} sees an attack under way among many others, in bounded memory`, () => {
    const flooded = new Play(def, { params });
    const { state, counters } = flooded.runner;
    const bytes = state.byteLength;
    let i = 0;
    for (const row of rows.alert) {
      const { TIME_FIRST, TIME_LAST } = row;
      for (const end = i + 7; i < end; i++)
        flooded.rows([{ ...rows.other(i), TIME_FIRST, TIME_LAST }]);
      flooded.rows([row]);
    }
    expect(flooded.end().alerts.length).toBeGreaterThan(0);
    expect(state.byteLength).toBe(bytes);
    expect(counters.get(rows.evicted)).toBeGreaterThan(0);
  });

  test(`${name} raises no alert for many keys of one flow each`, () => {
    const { TIME_FIRST, TIME_LAST } = rows.alert[0]!;
    const many = Array.from({ length: 2000 }, (_, i) => ({
      ...rows.other(i),
      TIME_FIRST,
      TIME_LAST,
    }));
    expect(play(def, many, { params: mode }).alerts).toEqual([]);
  });

  test(`${name} reserves no more memory by default than it says`, () => {
    const { state } = new Play(def, { params: mode }).runner;
    expect(state.byteLength).toBeLessThanOrEqual(rows.stateMax ?? 128_000_000);
  });
}
