// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { ConfigConflict, type Reload, RevisedConfig } from "./control.ts";
import { ConfigError } from "./problem.ts";
import { parseConfig } from "./read.ts";
import { Revisions } from "./revisions.ts";

const body = (idle: number): string => `[[sources]]\ninterface = "tap0"\n[meter]\nidle = ${idle}\n`;

/** One that runs a configuration whose flows are idle for 30 s, as its first revision. */
async function configOf(reload?: Reload) {
  const revisions = new Revisions(":memory:");
  revisions.apply(body(30), "first");
  const running = await parseConfig(body(30), "first");
  const config = new RevisedConfig(revisions, { running, ...(reload ? { reload } : {}) });
  return Object.assign(config, { [Symbol.dispose]: () => revisions[Symbol.dispose]() });
}

const wish = (idle: number, base?: number) => ({
  body: body(idle),
  reason: "test",
  ...(base === undefined ? {} : { base }),
});

describe("RevisedConfig", () => {
  test("keeps a revision, tells of it, and puts it to work", async () => {
    const steps: string[] = [];
    using config = await configOf(async (from, to) => {
      steps.push(`reload ${from?.meter.idle} -> ${to.meter.idle}`);
      return { restarted: ["detectors"], pending: [] };
    });
    const onKept = ({ id }: { id: number }): void => void steps.push(`kept ${id}`);
    expect(await config.apply({ ...wish(60), onKept })).toEqual({
      revision: 2,
      changes: ["meter.idle: 30 -> 60"],
      restarted: ["detectors"],
      pending: [],
    });
    expect(steps).toEqual(["kept 2", "reload 30 -> 60"]);
    expect(config.inForce()).toMatchObject({ id: 2, body: body(60), reason: "test" });
    expect(config.list()).toMatchObject([{ id: 2 }, { id: 1 }]);
    expect(config.list()[0]).not.toHaveProperty("body");
  });

  test("lets the first of two who begin with none have its way, and tells the other", async () => {
    using revisions = new Revisions(":memory:");
    const config = new RevisedConfig(revisions);
    const both = await Promise.allSettled([config.apply(wish(60, 0)), config.apply(wish(90, 0))]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(revisions.newest()?.body).toBe(body(60));
    expect(config.apply(wish(90, 0))).rejects.toThrow("made from none, but revision 1 is in force");
  });

  test("says what waits for the next start where nothing can be reloaded", async () => {
    using config = await configOf();
    expect(await config.apply(wish(60))).toMatchObject({
      pending: ["all of it: needs the next start"],
    });
  });

  test("reloads nothing when no setting changes", async () => {
    using config = await configOf(() => {
      throw new Error("reloaded");
    });
    const same = { body: `# the same\n${body(30)}`, reason: "a comment" };
    expect(await config.apply(same)).toEqual({
      revision: 2,
      changes: [],
      restarted: [],
      pending: [],
    });
  });

  test("keeps a revision whose reload failed, says why, and reloads all the way back", async () => {
    const idles: number[] = [];
    using config = await configOf(async (_, to) => {
      idles.push(to.meter.idle);
      if (to.meter.idle === 60) throw new Error("detectors do not end");
      return { restarted: [], pending: [] };
    });
    const failed = await config.apply(wish(60));
    expect(failed).toMatchObject({
      revision: 2,
      pending: ["all of it: needs the next start; detectors do not end"],
    });
    expect(config.inForce()?.id).toBe(2);
    await config.apply(wish(30));
    await config.apply(wish(30));
    expect(idles).toEqual([60, 30]);
  });

  test("changes nothing for a text with mistakes, and check says where they are", async () => {
    using config = await configOf();
    const wrong = `${body(30)}idel = 3\nactive = "x"\n`;
    expect(config.apply({ body: wrong, reason: "" })).rejects.toThrow(ConfigError);
    const { problems, changes } = await config.check(wrong);
    expect(problems.map(({ line, column }) => [line, column])).toEqual([
      [5, 1],
      [6, 1],
    ]);
    expect(problems[0]!.message).toContain('no "idel"');
    expect(changes).toEqual([]);
    expect(await config.check("a = [")).toMatchObject({ problems: [{ line: 1 }], changes: [] });
    expect(await config.check(body(60))).toEqual({
      problems: [],
      changes: ["meter.idle: 30 -> 60"],
    });
    expect(config.list()).toHaveLength(1);
  });

  test("makes one change after the other, and refuses one made from a revision that is past", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    let atWork = 0;
    using config = await configOf(async () => {
      expect(++atWork).toBe(1);
      await gate;
      atWork--;
      return { restarted: [], pending: [] };
    });
    const [first, second, stale] = [60, 90, 120].map((idle, i) =>
      config.apply(i < 2 ? wish(idle, i + 1) : wish(idle, 1)),
    );
    open();
    expect(await first).toMatchObject({ revision: 2, changes: ["meter.idle: 30 -> 60"] });
    expect(await second).toMatchObject({ revision: 3, changes: ["meter.idle: 60 -> 90"] });
    expect(stale).rejects.toThrow("made from revision 1, but revision 3 is in force");
    expect(config.list()).toHaveLength(3);
  });

  test("lets eight changes wait, and takes more when they are done", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    using config = await configOf(async () => {
      await gate;
      return { restarted: [], pending: [] };
    });
    const waiting = Array.from({ length: 8 }, (_, i) => config.apply(wish(40 + i)));
    expect(config.apply(wish(60))).rejects.toThrow(ConfigConflict);
    open();
    await Promise.all(waiting);
    expect((await config.apply(wish(60))).revision).toBe(10);
  });

  test("does not know what options came to", async () => {
    using revisions = new Revisions(":memory:");
    const config = new RevisedConfig(revisions);
    expect(config.inForce()).toBeUndefined();
    expect(await config.apply(wish(60))).toEqual({
      revision: 1,
      changes: ["all: options said what runs"],
      restarted: [],
      pending: ["all of it: needs the next start"],
    });
  });
});
