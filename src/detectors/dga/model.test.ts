// SPDX-License-Identifier: BSD-3-Clause
// What the model says to names that it was not trained with: those of people, and those of other families of malware.
import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../core/traffic/rng.ts";
import { LabelFinder } from "./label.ts";
import { MODEL } from "./model.ts";
import { Scorer, topHashes } from "./score.ts";
import { type Family, LEARNT, UNSEEN } from "./testing/families.ts";
import { namesOfPeople } from "./testing/people.ts";

const ROOT = join(import.meta.dir, "../../..");
const NAMES = 2000;
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const encoder = new TextEncoder();
const tops = topHashes();
const finder = new LabelFinder(tops, [
  "cz.cc",
  "ddns.net",
  "dyndns.org",
  "dynserv.com",
  "mooo.com",
  "yi.org",
]);
const scorer = new Scorer();

function isMadeUp(name: string): boolean {
  const bytes = encoder.encode(name);
  if (!finder.find(bytes, 0, bytes.length) || !finder.isJudged) return false;
  return scorer.isMadeUp(bytes, finder.from, finder.to);
}

/** Percent of a family's names that look made up. */
function recall({ label, ends }: Family): number {
  const dice = new Random(7);
  const names = Array.from({ length: NAMES }, (_, i) => `${label(dice)}.${ends[i % ends.length]}`);
  return (100 * names.filter(isMadeUp).length) / NAMES;
}

describe("dga's model", () => {
  /** Least recall in percent, of each family that it has not seen. Those of words it may miss. */
  const LEAST: Readonly<Record<string, number>> = {
    cryptolocker: 90,
    locky: 65,
    tinba: 85,
    ranbyus: 92,
    qakbot: 88,
    fobber: 90,
    virut: 10,
    corebot: 88,
    chinad: 90,
    dyre: 92,
    kraken: 25,
    simda: 25,
  };

  test("dga's model finds names of families that it was not trained with", () => {
    const found = UNSEEN.map((family) => [family.name, recall(family)] as const);
    say(
      `dga: recall of unseen families in %: ${found.map(([name, share]) => `${name} ${share.toFixed(1)}`).join(", ")}`,
    );
    for (const [name, share] of found)
      expect([name, share >= (LEAST[name] ?? 0)]).toEqual([name, true]);
  });

  test("dga's model is measured with families that it has not seen", () => {
    const learnt = LEARNT.map(({ name }) => name);
    expect(UNSEEN.filter(({ name }) => learnt.includes(name))).toEqual([]);
    const unseen = UNSEEN.map(({ name }) => name);
    expect(Object.keys(LEAST).filter((name) => !unseen.includes(name))).toEqual([]);
  });

  test("dga's model takes next to no name of people for a made-up one, of those it was not trained with", () => {
    const { known, held, heldCount } = namesOfPeople(tops);
    const trained = new Set(known);
    expect(held.filter((name) => trained.has(name))).toEqual([]);
    const wrong = held.filter(isMadeUp);
    const ofMillion = Math.round((1e6 * wrong.length) / heldCount);
    say(
      `dga: ${ofMillion} of 10^6 domains of the web look made up (${wrong.length} of ${heldCount}), such as ${wrong.slice(0, 8).join(", ")}`,
    );
    expect(ofMillion).toBeLessThanOrEqual(1e6 * MODEL.mistaken);
  });

  test("dga's model passes over names that are known to be people's", () => {
    const names =
      "wikipedia.org stackoverflow.com github.com youtube.com mozilla.org debian.org 4399.com 163.com 51job.com blesk.cz idnes.cz seznam.cz sberbank.ru tu-dresden.de sueddeutsche.de nhk.or.jp bbc.co.uk wsj.com nytimes.com tripadvisor.com xkcd.com w3schools.com rtlnieuws.nl cnbeta.com.tw fbcdn.net ytimg.com gstatic.com doubleclick.net 1e100.net akamaiedge.net edgesuite.net azureedge.net msftconnecttest.com windowsupdate.com";
    expect(names.split(" ").filter(isMadeUp)).toEqual([]);
  });

  test("dga's model weighs less than 500 kB", () => {
    expect(statSync(join(import.meta.dir, "model.ts")).size).toBeLessThan(500_000);
  });

  test("dga's model is what its training gives, byte for byte", () => {
    const command = [process.execPath, "scripts/train-dga.ts", "--check"];
    const { exitCode, stderr } = Bun.spawnSync(command, { cwd: ROOT });
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
  }, 60_000);
});
