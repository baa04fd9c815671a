// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { Counters } from "../counters.ts";
import { SECOND } from "../unirec/time.ts";
import { AddressMatcher } from "./matcher.ts";
import { parseSources } from "./sources.ts";
import { ListFolder } from "./testing/list-folder.ts";
import { ThreatLists } from "./threat-lists.ts";

const folder = new ListFolder();
afterAll(() => folder.remove());

/** Lists, what they warn of and count, and a clock that goes on by itself. */
class Watched {
  readonly warnings: string[] = [];
  readonly counters = new Counters();
  readonly lists: ThreatLists<AddressMatcher>;
  #now = 0;

  constructor(text: string) {
    this.lists = new ThreatLists(() => new AddressMatcher(), parseSources(text, "test"), {
      module: "test",
      count: this.counters.add,
      warn: (message) => this.warnings.push(message),
    });
  }

  /** Let some seconds pass. */
  pass(seconds: number): this {
    for (let i = 0; i < seconds; i++) {
      this.#now += SECOND;
      this.lists.look(this.#now);
    }
    return this;
  }

  /** Names of the lists of 10.0.0.`host`. */
  at(host: number, port = 0): string {
    const { sets, v4 } = this.lists.matcher;
    sets.at(v4.find(0x0a00_0000 | host, 0, 0, 0), port);
    return this.lists.describe(sets).names;
  }
}

describe("ThreatLists", () => {
  test("ThreatLists joins its files, names their lists and knows how grave each is", () => {
    const a = folder.write("a.txt", "10.0.0.1", "10.0.0.2");
    const b = folder.write("b.txt", "10.0.0.2", "10.0.0.3:443");
    const old = folder.write("old.blist", "10.0.0.2,9223372036854775808");
    const all = new Watched(`a=${a};severity=3,b=${b},old=${old}`);
    expect(all.warnings).toEqual([]);
    expect(all.counters.snapshot()).toEqual({
      lists: 3,
      list_entries: 5,
      list_bad_lines: 0,
      list_failures: 0,
      list_bytes: all.lists.matcher.byteLength,
    });
    expect([all.at(1), all.at(2), all.at(3, 443), all.at(3, 80), all.at(4)]).toEqual([
      "a",
      "a, b, old.64",
      "b",
      "",
      "",
    ]);
    expect([1, 2, 64].map((list) => all.lists.severityOf(list))).toEqual([3, 7, 7]);
  });

  test("ThreatLists without files is empty, and says that it has none", () => {
    const { lists, counters } = new Watched("");
    expect([lists.isEmpty, counters.snapshot()["lists"]]).toEqual([true, 0]);
  });

  test("ThreatLists takes a new version of a file once that has been the same for a while", () => {
    const a = folder.write("swap.txt", "10.0.0.1");
    const watched = new Watched(a).pass(10);
    expect(watched.at(1)).toBe("swap");
    folder.write("swap.txt", "10.0.0.2", "10.0.0.3");
    expect(watched.pass(5).at(1)).toBe("swap");
    watched.pass(7);
    expect([watched.at(1), watched.at(2)]).toEqual(["", "swap"]);
    expect(watched.counters.get("list_entries")).toBe(2);
    expect(watched.warnings).toEqual([]);
  });

  test("ThreatLists never reads a file that is still written", () => {
    folder.write("slow.txt", "10.0.0.1");
    const watched = new Watched(`${folder.path}/slow.txt`).pass(10);
    for (let i = 0; i < 5; i++) {
      folder.write("slow.txt", "10.0.0.2");
      watched.pass(5);
    }
    expect([watched.at(1), watched.pass(10).at(1)]).toEqual(["slow", ""]);
  });

  test("ThreatLists reads at once when it is asked to", () => {
    folder.write("asked.txt", "10.0.0.1");
    const watched = new Watched(`${folder.path}/asked.txt`);
    folder.write("asked.txt", "10.0.0.2");
    watched.lists.readNow();
    expect([watched.at(1), watched.at(2)]).toEqual(["", "asked"]);
  });

  test("ThreatLists keeps the former list when the new one is broken, says so once, and takes the next", () => {
    const [a, b] = [folder.write("broken.txt", "10.0.0.1"), folder.write("beside.txt", "10.0.0.5")];
    const watched = new Watched(`${a},${b}`).pass(10);
    folder.write("broken.txt", "<html>", "not today", "10.0.0.2");
    folder.write("beside.txt", "10.0.0.6");
    watched.pass(60);
    expect([watched.at(1), watched.at(2), watched.at(5), watched.at(6)]).toEqual([
      "broken",
      "",
      "",
      "beside",
    ]);
    expect(watched.warnings).toEqual([
      `test: list broken: ${a}:1: 2 bad lines, 1 good ones: "<html>" is no address; what it held before stays in ` +
        `force; mend the file, \`nemean lists check ${a}\` says when it is sound`,
    ]);
    expect(watched.counters.snapshot()).toMatchObject({ list_failures: 1, list_entries: 2 });
    folder.write("broken.txt", "10.0.0.2");
    watched.pass(12);
    expect([watched.at(1), watched.at(2), watched.warnings.length]).toEqual(["", "broken", 1]);
  });

  test("ThreatLists keeps the list of a file that is gone, and takes one that comes later", () => {
    const a = folder.write("gone.txt", "10.0.0.1");
    const watched = new Watched(`${a},later=${folder.path}/later.txt`);
    expect(watched.warnings).toHaveLength(1);
    expect(watched.warnings[0]).toContain(`list later: ${folder.path}/later.txt: ENOENT`);
    expect(watched.warnings[0]).toContain("nothing of it is looked for");
    rmSync(a);
    expect(watched.pass(12).at(1)).toBe("gone");
    expect(watched.warnings).toHaveLength(2);
    folder.write("later.txt", "10.0.0.9");
    expect(watched.pass(12).at(9)).toBe("later");
  });

  test("ThreatLists leaves out bad lines, counts them and names the first", () => {
    const a = folder.write("bad.txt", "10.0.0.1", "10.0.0.2", "10.0.0.300", "10.0.0.4", "x");
    const watched = new Watched(a);
    expect(watched.warnings).toEqual([
      `test: list bad: ${a}:3: "10.0.0.300" is no address; 2 bad lines are left out, 3 entries are in force`,
    ]);
    expect(watched.counters.snapshot()).toMatchObject({ list_entries: 3, list_bad_lines: 2 });
    folder.write("bad.txt", "10.0.0.1");
    watched.pass(12);
    expect(watched.counters.snapshot()).toMatchObject({ list_entries: 1, list_bad_lines: 0 });
  });

  test("ThreatLists builds a long list beside the one in force, a part at each look", () => {
    const hosts = (from: number): string[] =>
      Array.from({ length: 60_000 }, (_, i) => `10.${from}.${i >>> 8}.${i & 255}`);
    const a = folder.write("long.txt", ...hosts(0));
    const watched = new Watched(a).pass(10);
    folder.write("long.txt", ...hosts(1));
    // Noticed at 11 s, settled at 16 s, then 16,384 lines at each look.
    watched.pass(8);
    expect([watched.at(1), watched.at(0x1_0001)]).toEqual(["long", ""]);
    watched.pass(3);
    expect([watched.at(1), watched.at(0x1_0001)]).toEqual(["", "long"]);
  });

  test("ThreatLists takes no folder for a file", () => {
    expect(new Watched(`folder=${folder.path}`).warnings[0]).toContain("is no file");
  });
});
