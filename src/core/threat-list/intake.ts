// SPDX-License-Identifier: BSD-3-Clause
import { LISTS_MAX, type ListSets } from "./list-sets.ts";
import type { Kind, Matcher } from "./matcher.ts";

/** Entries of all lists of a detector together. */
export const ENTRIES_MAX = 4_000_000;
/** Characters of a bad line that are quoted. */
const QUOTED_MAX = 60;

/** A file that is no list of its format: what came before it stays in force. */
export class BrokenList extends Error {
  override readonly name = "BrokenList";
  /** Line it was noticed at; 0 where there are none. */
  readonly line: number;

  constructor(message: string, line = 0) {
    super(message);
    this.line = line;
  }
}

/** What a line of an original's file says besides its value. */
export interface Mark {
  /** Bits of the lists that it is on. */
  readonly bitmap: bigint;
  /** Ports by list number: the list holds only there. */
  readonly ports: ReadonlyMap<number, readonly number[]>;
}

/** Takes what a file names into a matcher, and counts what is bad and what is of no use to it. */
export class Intake {
  readonly matcher: Matcher;
  readonly #list: number;
  /** The set of the file's own list, at all ports: that of most lines. */
  readonly #own: number | undefined;
  /** Line of the file, or number of its object, that is read. */
  line = 0;
  entries = 0;
  bad = 0;
  /** Well written, but of another kind, revoked, or no indicator at all. */
  unused = 0;
  /** The first bad line, in words. */
  firstBad = "";
  firstBadLine = 0;

  /** @param list number of the file's list */
  constructor(matcher: Matcher, list: number) {
    this.matcher = matcher;
    this.#list = list;
    this.#own = list > 0 ? matcher.sets.of(list) : undefined;
  }

  get kind(): Kind {
    return this.matcher.kind;
  }

  /** Whether a text is a value of the matcher's kind; of URLs only whole ones, since every name begins one. */
  accepts(text: string): boolean {
    return (this.kind !== "url" || text.includes("://")) && this.matcher.add(text) === undefined;
  }

  /** Take a value of the matcher's kind. */
  take(value: string, mark?: Mark): void {
    this.#mark = mark;
    const why = this.matcher.add(value, this.#marked);
    if (why !== undefined) this.refuse(`${quoted(value)} ${why}`);
    else if (++this.entries > ENTRIES_MAX)
      throw new BrokenList(`more than ${ENTRIES_MAX} entries`, this.line);
  }

  /** Take a value of a kind that the file tells. */
  takeOf(kind: Kind, value: string): void {
    if (kind === this.kind) this.take(value);
    else this.unused++;
  }

  /** The line is bad. */
  refuse(what: string): void {
    if (this.bad++ > 0) return;
    this.firstBad = what;
    this.firstBadLine = this.line;
  }

  #mark: Mark | undefined;
  readonly #marked = (port?: number): number | undefined => {
    if (this.#mark) return setOf(this.#mark, this.matcher.sets);
    return port === undefined ? this.#own : this.matcher.sets.of(this.#list, [port]);
  };
}

/** The set of a bitmap's lists; undefined when there are too many different sets. */
function setOf({ bitmap, ports }: Mark, sets: ListSets): number | undefined {
  let set = 0;
  for (let list = 1; list <= LISTS_MAX; list++) {
    if (((bitmap >> BigInt(list - 1)) & 1n) === 0n) continue;
    const one = sets.of(list, ports.get(list));
    if (one === undefined) return undefined;
    set = sets.union(set, one);
  }
  return set;
}

/** A piece of a file in a message. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text);
