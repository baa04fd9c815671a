// SPDX-License-Identifier: BSD-3-Clause
import { statSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../core/errors.ts";
import { printable } from "../../core/log.ts";
import { machineTiming, type Timing } from "../delivery/timing.ts";
import { type Definition, readDefinitions } from "./definitions.ts";
import type { FetchOptions } from "./fetch-list.ts";
import { FetchedLists, type Updated } from "./update.ts";

const SECOND = 1000;
/** Most milliseconds between two looks at the definitions, and at what is due. */
const LOOK = 60 * SECOND;
/** Within so long after the start, so that machines that start together do not ask together. */
const START = 10 * SECOND;
/** The part of an interval that is added to it at most, at random. */
const JITTER = 0.1;
/** After the first failure, and at most. */
const RETRY_FIRST = 60 * SECOND;
const RETRY_MAX = 3600 * SECOND;
const FOLDER = "lists";

/** The version of a file that is not there. */
const NO_FILE = "none";

/** Another text once the file is another one; why, where that cannot be seen, as in a folder that one may not enter. */
function versionOf(file: string): string {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : NO_FILE;
  } catch (error) {
    return messageOf(error);
  }
}

/** `[lists]` of the configuration. */
export interface ListSettings {
  readonly update: boolean;
  /** The file; empty for the one in the data folder. */
  readonly definitions: string;
}

export interface ScheduleOptions extends Omit<FetchOptions, "signal"> {
  /** The data folder. */
  readonly data: string;
  readonly say: (line: string) => void;
  readonly timing?: Timing;
}

/** A list as metrics show it. */
export interface ListView {
  readonly name: string;
  /** Seconds since it was known to be the newest; undefined when it has not been fetched. */
  readonly age?: number;
  /** Fetches that failed since the start. */
  readonly failures: number;
}

/** A list whose turn comes. */
interface Entry {
  readonly list: Definition;
  /** When, by the clock that goes on evenly. */
  dueAt: number;
  /** Failures in a row, and in all. */
  row: number;
  failures: number;
  /** Why the last fetch failed; empty when it did not. */
  failure: string;
}

/**
 * Fetches the lists of a file, each when it is due: one after the other, since a list may be large and the machine has
 * traffic to look at. Without the file it does nothing, and looks now and then whether there is one. What fails is said
 * once, and tried again after a while.
 */
export class ListSchedule implements Disposable {
  readonly #options: ScheduleOptions;
  readonly #timing: Timing;
  #settings: ListSettings;
  #entries: readonly Entry[] = [];
  #folder: FetchedLists | undefined;
  /** The file as it was read last. */
  #version = "";
  /** What is wrong with the file, or the folder. */
  #problem = "";
  #cancel: (() => void) | undefined;
  #stop = new AbortController();

  constructor(settings: ListSettings, options: ScheduleOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#timing = options.timing ?? machineTiming;
    this.#start();
  }

  /** Go on by other settings. */
  replace(settings: ListSettings): void {
    if (Bun.deepEquals(settings, this.#settings)) return;
    this[Symbol.dispose]();
    this.#settings = settings;
    this.#entries = [];
    this.#version = this.#problem = "";
    this.#stop = new AbortController();
    this.#start();
  }

  #start(): void {
    if (this.#settings.update) this.#later(0);
  }

  #later(delay: number): void {
    const { signal } = this.#stop;
    this.#cancel = this.#timing.after(delay, () => void this.#turn(signal));
  }

  /** Fetch the list that is due first, if there is one. */
  async #turn(signal: AbortSignal): Promise<void> {
    this.#readDefinitions();
    const due = this.#soonest();
    if (due && due.dueAt <= this.#timing.elapsed()) await this.#fetch(due, signal);
    if (signal.aborted) return;
    const next = (this.#soonest()?.dueAt ?? Number.POSITIVE_INFINITY) - this.#timing.elapsed();
    this.#later(Math.min(LOOK, Math.max(0, next)));
  }

  #soonest(): Entry | undefined {
    return this.#entries.toSorted((a, b) => a.dueAt - b.dueAt)[0];
  }

  get #file(): string {
    return this.#settings.definitions || join(this.#options.data, "lists.toml");
  }

  /** Take the definitions when they have changed; what is wrong with them is said once, and those before stay. */
  #readDefinitions(): void {
    const version = versionOf(this.#file);
    if (version === this.#version) return;
    this.#version = version;
    this.#problem = "";
    try {
      const isLeftOut = version === NO_FILE && this.#settings.definitions === "";
      const lists = isLeftOut ? [] : readDefinitions(this.#file);
      if (lists.length > 0) this.#folder ??= new FetchedLists(join(this.#options.data, FOLDER));
      this.#entries = lists.map((list) => this.#entryOf(list));
    } catch (error) {
      this.#problem = messageOf(error);
      this.#warn(this.#problem);
    }
  }

  #entryOf(list: Definition): Entry {
    const known = this.#entries.find((each) => Bun.deepEquals(each.list, list));
    if (known) return known;
    const dueAt = this.#timing.elapsed() + this.#timing.random() * START + this.#rest(list);
    return { list, dueAt, row: 0, failures: 0, failure: "" };
  }

  /** Milliseconds until a list is due by what is known of its file, where that is no time to come. */
  #rest(list: Definition): number {
    const state = this.#folder!.state(list);
    const interval = list.interval * SECOND;
    const age = this.#timing.now() - (state?.checked ?? 0);
    return state?.url === list.url.href && age >= 0 ? Math.max(0, interval - age) : 0;
  }

  async #fetch(entry: Entry, signal: AbortSignal): Promise<void> {
    const updated = await this.#updated(entry.list, signal);
    if (signal.aborted) return;
    const { random, elapsed } = this.#timing;
    const interval = entry.list.interval * SECOND;
    if (updated.outcome === "failed") this.#failed(entry, updated.text);
    else if (updated.outcome !== "due") this.#fetched(entry, updated.text);
    const wait =
      entry.row > 0
        ? (Math.min(interval, RETRY_MAX, RETRY_FIRST * 2 ** (entry.row - 1)) * (1 + random())) / 2
        : this.#rest(entry.list) + interval * JITTER * random();
    entry.dueAt = elapsed() + Math.max(SECOND, wait);
  }

  async #updated(list: Definition, signal: AbortSignal): Promise<Updated> {
    const { data: _, say: __, timing: ___, ...options } = this.#options;
    try {
      return await this.#folder!.update(list, { ...options, signal, now: this.#timing.now() });
    } catch (error) {
      return { name: list.name, outcome: "failed", text: messageOf(error) };
    }
  }

  #failed(entry: Entry, failure: string): void {
    entry.row++;
    entry.failures++;
    if (failure !== entry.failure) this.#warn(`list ${entry.list.name}: ${failure}`);
    entry.failure = failure;
  }

  #fetched(entry: Entry, text: string): void {
    if (entry.failure !== "")
      this.#options.say(`list ${entry.list.name}: fetched again: ${printable(text)}`);
    entry.row = 0;
    entry.failure = "";
  }

  #warn(what: string): void {
    this.#options.say(`warning: ${printable(what)}`);
  }

  /** What cannot be fetched, in words: nothing that keeps anything else from its work. */
  notes(): string[] {
    const now = this.#timing.elapsed();
    const failed = this.#entries
      .filter(({ failure }) => failure !== "")
      .map(({ list, failure, row, dueAt }) => {
        const minutes = Math.max(0, Math.ceil((dueAt - now) / LOOK));
        return `list ${list.name}: ${failure}; failed ${row} times in a row, tried again in ${minutes} min`;
      });
    return this.#problem === "" ? failed : [this.#problem, ...failed];
  }

  views(): ListView[] {
    return this.#entries.map(({ list, failures }) => {
      const checked = this.#folder?.state(list)?.checked;
      const age = checked === undefined ? undefined : (this.#timing.now() - checked) / SECOND;
      return { name: list.name, failures, ...(age === undefined ? {} : { age: Math.max(0, age) }) };
    });
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
    this.#stop.abort();
  }
}
