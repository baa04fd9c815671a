// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { checkListSlowly } from "./check-list.ts";
import { type Definition, fileNameOf } from "./definitions.ts";
import { type Fetched, type FetchOptions, fetchList, type Known } from "./fetch-list.ts";

/** What is known of a list's file. Times are milliseconds since 1970. */
export interface ListState extends Known {
  /** Where it came from: another URL is fetched as a whole. */
  readonly url: string;
  /** When it was fetched, and when the server said last that it is the newest. */
  readonly fetched: number;
  readonly checked: number;
  readonly entries: number;
  readonly bad: number;
  /** Why the last attempt failed. */
  readonly failure?: string;
}

export type ListStates = Readonly<Record<string, ListState>>;

/** What became of a list: `due` later, `new`, the `same` as before, or `failed`, when the former one stays. */
export interface Updated {
  readonly name: string;
  readonly outcome: "due" | "new" | "same" | "failed";
  readonly text: string;
}

export interface UpdateOptions extends FetchOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Fetch what is not due as well. */
  readonly isForced?: boolean;
}

const STATE = "state.json";

/** Lists that were fetched, in a folder: a file each, and what is known of them. */
export class FetchedLists {
  readonly folder: string;
  #states: ListStates;

  /** @throws {NemeanError} ERR_STORE when the folder cannot be made */
  constructor(folder: string) {
    this.folder = folder;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o750 });
    } catch (error) {
      throw cannotWrite(folder, error);
    }
    this.#states = readStates(join(folder, STATE));
  }

  /** What is known of a list; undefined when its file is not there. */
  state(list: Definition): ListState | undefined {
    return existsSync(this.path(list)) ? this.#states[list.name] : undefined;
  }

  path(list: Definition): string {
    return join(this.folder, fileNameOf(list));
  }

  /** Fetch a list when it is due, and put its file in place when it is one. */
  async update(list: Definition, options: UpdateOptions): Promise<Updated> {
    const { name, interval } = list;
    this.#states = readStates(join(this.folder, STATE));
    const former = this.state(list);
    // A time to come tells of a clock that was set back since.
    const checked = former && former.checked <= options.now ? former.checked : 0;
    const due = checked + interval * 1000;
    if (options.now < due && !options.isForced)
      return { name, outcome: "due", text: `due in ${Math.ceil((due - options.now) / 1000)} s` };
    const known = former?.url === list.url.href ? former : {};
    try {
      return await this.#take(list, await fetchList(list, known, options), options.now);
    } catch (error) {
      const text = messageOf(error);
      if (former) this.#keep(name, { ...former, failure: text });
      const kept = former ? "the former list stays" : "there is no list yet";
      return { name, outcome: "failed", text: `${text}; ${kept}` };
    }
  }

  async #take(list: Definition, { body, etag, modified }: Fetched, now: number): Promise<Updated> {
    const { name, format, column, kind } = list;
    const former = this.state(list);
    if (!body && former) {
      const { failure: _, ...rest } = former;
      this.#keep(name, { ...rest, checked: now });
      return { name, outcome: "same", text: `unchanged, ${former.entries} entries` };
    }
    const text = body?.toString() ?? "";
    const found = await checkListSlowly({ text, format, column, written: now }, kind);
    if (found.isBroken) throw new Error(`what came is no list: ${found.complaint}`);
    this.#write(fileNameOf(list), text);
    const { entries, bad } = found;
    this.#keep(name, {
      url: list.url.href,
      fetched: now,
      checked: now,
      entries,
      bad,
      ...(etag === undefined ? {} : { etag }),
      ...(modified === undefined ? {} : { modified }),
    });
    const rest = bad > 0 ? `, ${bad} bad lines, the first: ${found.complaint}` : "";
    return { name, outcome: "new", text: `${entries} entries${rest}` };
  }

  #keep(name: string, state: ListState): void {
    // Control and a command may both be at work on the folder.
    this.#states = { ...readStates(join(this.folder, STATE)), [name]: state };
    this.#write(STATE, `${JSON.stringify(this.#states, undefined, 2)}\n`);
  }

  /** Write a file as a whole or not at all: a detector never reads half of one. */
  #write(name: string, text: string): void {
    const path = join(this.folder, name);
    try {
      writeFileSync(`${path}.new`, text, { mode: 0o640 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }
}

const cannotWrite = (path: string, error: unknown): NemeanError =>
  new NemeanError("ERR_STORE", EXIT.cannotCreate, `cannot write ${path}: ${messageOf(error)}`);

/** A file that is not there, or damaged, is as if nothing had been fetched. */
function readStates(path: string): ListStates {
  try {
    const states: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof states === "object" && states !== null ? (states as ListStates) : {};
  } catch {
    return {};
  }
}
