// SPDX-License-Identifier: BSD-3-Clause
/** The configuration of an appliance while it runs: what is in force, and how another comes into force. @module */
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { differences } from "./difference.ts";
import { ConfigError, type Problem } from "./problem.ts";
import { type Config, parseConfig } from "./read.ts";
import type { Revision, RevisionSummary, Revisions } from "./revisions.ts";

/** What a text is, before it is applied. */
export interface ConfigCheck {
  /** In the order of the text. */
  readonly problems: readonly Problem[];
  /** A line a setting, against what runs: `meter.idle: 30 -> 60`. */
  readonly changes: readonly string[];
}

/** A wish to have another configuration in force. */
export interface ConfigWish {
  readonly body: string;
  readonly reason: string;
  /** The revision that the body was made from, 0 for none: if another one is in force by now, nothing is changed. */
  readonly base?: number;
  /** Told as soon as the revision is kept, before any process hears of it. */
  readonly onKept?: (revision: Revision) => void;
}

/** What was done with the processes. */
export interface Reloaded {
  /** Names of the processes that were started anew. */
  readonly restarted: readonly string[];
  /** What is not at work yet and what it waits for: `api.port: needs a restart of control`. */
  readonly pending: readonly string[];
}

export interface ConfigApplied extends Reloaded {
  readonly revision: number;
  readonly changes: readonly string[];
}

/** What the API knows of configurations. */
export interface ConfigControl {
  /** The file that the appliance was started with, where it was one. */
  readonly file?: string | undefined;
  /** The one in force; undefined when none was applied, and options alone say what runs. */
  inForce(): Revision | undefined;
  /** The newest first. */
  list(): readonly RevisionSummary[];
  get(revision: number): Revision | undefined;
  check(body: string): Promise<ConfigCheck>;
  /**
   * @throws {ConfigError} for a text with mistakes
   * @throws {ConfigConflict} when another change was faster
   */
  apply(wish: ConfigWish): Promise<ConfigApplied>;
}

/** Another change was faster: look at what is in force now, and decide again. */
export class ConfigConflict extends NemeanError {
  constructor(message: string) {
    super("ERR_CONFIG", EXIT.config, message);
  }
}

/** Puts a configuration to work in place of the one that runs; undefined when options alone said what runs. */
export type Reload = (from: Config | undefined, to: Config) => Promise<Reloaded>;

export interface RevisedConfigOptions {
  /** What runs, where it came from a configuration. */
  readonly running?: Config;
  readonly file?: string | undefined;
  /** Left out: all waits for the next start. */
  readonly reload?: Reload;
}

const NEXT_START = "all of it: needs the next start";
/** Changes that wait for the one that is being made. */
const WAITING_MAX = 8;

/** Configurations kept as revisions, and put to work one after the other. */
export class RevisedConfig implements ConfigControl {
  readonly file: string | undefined;
  readonly #revisions: Revisions;
  readonly #reload: Reload;
  #running: Config | undefined;
  /** Whether the latest reload did not end well: nobody knows how far it came. */
  #isHalfDone = false;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(revisions: Revisions, { running, file, reload }: RevisedConfigOptions = {}) {
    this.file = file;
    this.#revisions = revisions;
    this.#running = running;
    this.#reload = reload ?? (async () => ({ restarted: [], pending: [NEXT_START] }));
  }

  inForce(): Revision | undefined {
    return this.#revisions.newest();
  }

  list(): readonly RevisionSummary[] {
    return this.#revisions.list();
  }

  get(revision: number): Revision | undefined {
    return this.#revisions.find(revision);
  }

  async check(body: string): Promise<ConfigCheck> {
    try {
      return { problems: [], changes: this.#changesTo(await parse(body)) };
    } catch (error) {
      if (error instanceof ConfigError) return { problems: error.problems, changes: [] };
      throw error;
    }
  }

  async apply(wish: ConfigWish): Promise<ConfigApplied> {
    if (this.#waiting >= WAITING_MAX)
      throw new ConfigConflict(`${WAITING_MAX} changes wait already for the one that is made now`);
    this.#waiting++;
    const mine = this.#turn.then(() => this.#apply(wish));
    this.#turn = mine.catch(() => {});
    try {
      return await mine;
    } finally {
      this.#waiting--;
    }
  }

  async #apply({ body, reason, base, onKept }: ConfigWish): Promise<ConfigApplied> {
    const to = await parse(body);
    const newest = this.#revisions.newest()?.id;
    if (base !== undefined && base !== (newest ?? 0))
      throw new ConfigConflict(
        `made from ${base === 0 ? "none" : `revision ${base}`}, but ${newest === undefined ? "none" : `revision ${newest}`} is in force`,
      );
    const revision = this.#revisions.apply(body, reason);
    onKept?.(revision);
    const changes = this.#changesTo(to);
    if (this.#running && !this.#isHalfDone && changes.length === 0)
      return { revision: revision.id, changes, restarted: [], pending: [] };
    return { revision: revision.id, changes, ...(await this.#putToWork(to)) };
  }

  /** It is in force, whatever happens here: what cannot be done now is done at the next start. */
  async #putToWork(to: Config): Promise<Reloaded> {
    try {
      const reloaded = await this.#reload(this.#running, to);
      this.#running = to;
      this.#isHalfDone = false;
      return reloaded;
    } catch (error) {
      this.#isHalfDone = true;
      return { restarted: [], pending: [`${NEXT_START}; ${messageOf(error)}`] };
    }
  }

  #changesTo(to: Config): string[] {
    return this.#running ? differences(this.#running, to) : ["all: options said what runs"];
  }
}

const parse = (body: string): Promise<Config> => parseConfig(body, "configuration");
