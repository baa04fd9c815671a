// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Timing } from "../delivery/timing.ts";
import { ListSchedule, type ListSettings } from "./schedule.ts";

const root = mkdtempSync(join(tmpdir(), "nemean-schedule-"));
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SETTINGS: ListSettings = { update: true, definitions: "" };

/** What the server answers, by path; a number is a status. */
let answers: Record<string, string | number> = {};
let asked: string[] = [];
/** Resolves once the server may answer. */
let gate: Promise<void> = Promise.resolve();
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch({ url }) {
    const path = new URL(url).pathname.slice(1);
    asked.push(path);
    await gate;
    const answer = answers[path] ?? 404;
    return typeof answer === "number" ? new Response("", { status: answer }) : new Response(answer);
  },
});
afterAll(async () => {
  await server.stop(true);
  rmSync(root, { recursive: true });
});

/** Time that passes when it is told to. */
class TestTiming implements Timing {
  #now = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];
  /** The wall clock at the start. */
  epoch = 1_700_000_000_000;
  chance = 0;

  now = (): number => this.epoch + this.#now;
  elapsed = (): number => this.#now;
  random = (): number => this.chance;

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  get waiting(): number {
    return this.#timers.length;
  }

  /** Pass so much time; what is done meanwhile is waited for. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (!next || next.at > end) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      // Who fetches sets the next timer when it is through.
      while (this.#timers.length === 0) await Bun.sleep(1);
    }
    this.#now = end;
  }
}

let folders = 0;
let data = "";
let said: string[] = [];
let timing = new TestTiming();
let open: ListSchedule[] = [];
beforeEach(() => {
  data = join(root, String(folders++));
  mkdirSync(data);
  answers = {};
  asked = [];
  said = [];
  gate = Promise.resolve();
  timing = new TestTiming();
});
afterEach(() => {
  for (const each of open) each[Symbol.dispose]();
  open = [];
});

const define = (file: string, ...names: readonly string[]): void =>
  writeFileSync(
    join(data, file),
    names
      .map(
        (name) =>
          `[[lists]]\nname = "${name}"\nurl = "http://127.0.0.1:${server.port}/${name}"\nkind = "ip"\ninterval = 3600\ninsecure = true\ninternal = true\n`,
      )
      .join("\n"),
  );
const schedule = (settings: Partial<ListSettings> = {}): ListSchedule => {
  const made = new ListSchedule(
    { ...SETTINGS, ...settings },
    { data, say: (line) => said.push(line), timing },
  );
  open.push(made);
  return made;
};
const hasFile = (name: string): boolean => existsSync(join(data, "lists", `${name}.txt`));

describe("ListSchedule", () => {
  test("ListSchedule fetches at the start, then by the interval, some time later each time", async () => {
    define("lists.toml", "a");
    answers["a"] = "203.0.113.7\n";
    timing.chance = 0.5;
    const lists = schedule();
    await timing.pass(4999);
    expect(asked).toEqual([]);
    await timing.pass(1);
    expect([asked, hasFile("a")]).toEqual([["a"], true]);
    expect(lists.views()).toEqual([{ name: "a", failures: 0, age: 0 }]);
    // An hour, and half of the tenth that is added at most.
    await timing.pass(HOUR + 3 * MINUTE - 1);
    expect(asked).toEqual(["a"]);
    expect(lists.views()[0]!.age).toBeCloseTo(3780, 0);
    await timing.pass(1);
    expect(asked).toEqual(["a", "a"]);
    expect([said, lists.notes()]).toEqual([[], []]);
  });

  test("ListSchedule leaves alone after a restart what is not due yet", async () => {
    define("lists.toml", "a");
    answers["a"] = "203.0.113.7\n";
    schedule();
    await timing.pass(0);
    open.pop()![Symbol.dispose]();
    await timing.pass(30 * MINUTE);
    schedule();
    await timing.pass(30 * MINUTE - 1);
    expect(asked).toEqual(["a"]);
    await timing.pass(1);
    expect(asked).toEqual(["a", "a"]);
  });

  test("ListSchedule fetches what is known for newest at a time to come, since the clock was set back", async () => {
    define("lists.toml", "a");
    answers["a"] = "203.0.113.7\n";
    schedule();
    await timing.pass(0);
    open.pop()![Symbol.dispose]();
    timing.epoch -= 1000 * HOUR;
    schedule();
    await timing.pass(0);
    expect(asked).toEqual(["a", "a"]);
    await timing.pass(HOUR - 1);
    expect(asked).toHaveLength(2);
  });

  test("ListSchedule says a failure once, tries again by and by, and says when it works again", async () => {
    define("lists.toml", "a");
    const lists = schedule();
    timing.chance = 1;
    await timing.pass(10_000);
    const failure = `127.0.0.1:${server.port} answered 404; there is no list yet`;
    expect(said).toEqual([`warning: list a: ${failure}`]);
    expect(lists.notes()).toEqual([
      `list a: ${failure}; failed 1 times in a row, tried again in 1 min`,
    ]);
    // After 1, 2, 4, 8, 16, 32 minutes, then each hour.
    await timing.pass(63 * MINUTE);
    expect(asked).toHaveLength(7);
    await timing.pass(2 * HOUR);
    expect(asked).toHaveLength(9);
    expect(said).toHaveLength(1);
    expect(lists.views()).toEqual([{ name: "a", failures: 9 }]);
    answers["a"] = 503;
    await timing.pass(HOUR);
    expect(said[1]).toContain("answered 503");
    answers["a"] = "203.0.113.7\n";
    await timing.pass(HOUR);
    expect(said[2]).toBe("list a: fetched again: 1 entries");
    expect(said).toHaveLength(3);
    expect(lists.notes()).toEqual([]);
    expect(lists.views()[0]).toMatchObject({ failures: 10 });
  });

  test("ListSchedule fetches one list after the other, and a bad one keeps no other from its turn", async () => {
    define("lists.toml", "bad", "a", "b");
    answers["bad"] = "<html>";
    answers["a"] = answers["b"] = "203.0.113.7\n";
    let release = (): void => {};
    gate = new Promise((resolve) => {
      release = resolve;
    });
    schedule();
    const passed = timing.pass(0);
    while (asked.length === 0) await Bun.sleep(1);
    await Bun.sleep(20);
    expect(asked).toEqual(["bad"]);
    release();
    await passed;
    expect(asked).toEqual(["bad", "a", "b"]);
    expect([hasFile("bad"), hasFile("a"), hasFile("b")]).toEqual([false, true, true]);
  });

  test("ListSchedule does nothing without definitions, and notices those that come and change", async () => {
    answers["a"] = answers["b"] = "203.0.113.7\n";
    const lists = schedule();
    await timing.pass(5 * MINUTE);
    expect([asked, said, existsSync(join(data, "lists"))]).toEqual([[], [], false]);
    define("lists.toml", "a");
    await timing.pass(MINUTE);
    expect(asked).toEqual(["a"]);
    writeFileSync(join(data, "lists.toml"), "[[lists]");
    await timing.pass(3 * MINUTE);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/^warning: .*lists\.toml: Invalid TOML/);
    expect(lists.notes()[0]).toContain("lists.toml");
    // Those before stay.
    expect(lists.views()).toHaveLength(1);
    define("lists.toml", "a", "b");
    await timing.pass(MINUTE);
    expect([asked, lists.notes()]).toEqual([["a", "b"], []]);
  });

  test("ListSchedule can be switched off, pointed at another file, and says when that is not there", async () => {
    define("lists.toml", "a");
    define("other.toml", "b");
    answers["b"] = "203.0.113.7\n";
    const lists = schedule({ update: false });
    await timing.pass(HOUR);
    expect([asked, timing.waiting]).toEqual([[], 0]);
    lists.replace({ update: true, definitions: join(data, "other.toml") });
    await timing.pass(0);
    expect(asked).toEqual(["b"]);
    lists.replace({ update: true, definitions: join(data, "none.toml") });
    await timing.pass(2 * MINUTE);
    expect(said).toHaveLength(1);
    expect(said[0]).toContain("none.toml: ENOENT");
    expect(lists.views()).toEqual([]);
  });

  test("ListSchedule says that its definitions cannot be looked at, and goes on looking", async () => {
    // A link to itself: for whom it may not read, too, the system refuses to say what is there.
    const loop = join(root, "loop.toml");
    symlinkSync(loop, loop);
    const timing = new TestTiming();
    const said: string[] = [];
    using schedule = new ListSchedule(
      { update: true, definitions: loop },
      { data: root, say: (line) => said.push(line), timing },
    );
    await timing.pass(5 * MINUTE);
    expect([said.length, said[0], schedule.notes().length]).toEqual([
      ...[1, expect.stringContaining("ELOOP"), 1],
    ]);
    expect(timing.waiting).toBe(1);
  });

  test("ListSchedule gives up what it fetches when it is to end, and says nothing of that", async () => {
    define("lists.toml", "a");
    gate = new Promise(() => {});
    const lists = schedule();
    void timing.pass(0);
    while (asked.length === 0) await Bun.sleep(1);
    lists[Symbol.dispose]();
    await Bun.sleep(50);
    expect([said, timing.waiting, lists.views()]).toEqual([[], 0, [{ name: "a", failures: 0 }]]);
    // Lets the test's own clock end.
    timing.after(HOUR, () => {});
  });
});
