// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync, type Stats, statSync } from "node:fs";
import { messageOf } from "../errors.ts";
import { SECOND } from "../unirec/time.ts";
import { readList } from "./formats.ts";
import { BrokenList, Intake } from "./intake.ts";
import { type ListBits, listsOf } from "./list-sets.ts";
import type { Matcher } from "./matcher.ts";
import type { ListSource } from "./sources.ts";

/** Between two looks at whether files have changed. */
const LOOK = 5 * SECOND;
const FILE_MAX = 256 << 20;
const NO_FILE = "missing";

export interface ListContext {
  /** What warnings begin with. */
  readonly module: string;
  readonly count: (counter: string, by?: number) => void;
  readonly warn: (message: string) => void;
}

/** A file as it was read last, and as it was seen last. */
interface ListFile {
  readonly source: ListSource;
  /** Its version on the disk at the last look, and the one that was read. */
  seen: string;
  read: string;
  /** What is in force: the last text that was a list. Kept, since the file of a broken one has replaced it. */
  text: string;
  written: number;
  /** Counted at the last reading. */
  entries: number;
  bad: number;
}

/**
 * The threat lists of a detector, in one matcher that is replaced as a whole when a file changes.
 *
 * A new matcher is built beside the one in force, some thousand lines at each {@link look}, so that flows never wait
 * for it. A file that is broken or gone leaves its former text in force; that is said once for each version of the file.
 */
export class ThreatLists<M extends Matcher> {
  /** What is in force: look it up anew in each batch. */
  matcher: M;
  readonly #make: () => M;
  readonly #files: readonly ListFile[];
  readonly #context: ListContext;
  /** The matcher that is built, and its work. */
  #work: Generator<undefined, M> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** Memory of the matcher in force, as it was counted. */
  #bytes = 0;

  constructor(make: () => M, sources: readonly ListSource[], context: ListContext) {
    this.#make = make;
    this.#context = context;
    this.matcher = make();
    this.#files = sources.map((source) => ({
      source,
      seen: "",
      read: "",
      text: "",
      written: 0,
      entries: 0,
      bad: 0,
    }));
    for (const counter of ["lists", "list_entries", "list_bad_lines", "list_failures"])
      context.count(counter, counter === "lists" ? sources.length : 0);
    this.readNow();
  }

  /** Whether there is nothing to find. */
  get isEmpty(): boolean {
    return this.#files.every(({ entries }) => entries === 0);
  }

  /** What a state that remembers numbers of lists depends on. */
  get identity(): string {
    return this.#files.map(({ source }) => `${source.number}=${source.name}`).join(" ");
  }

  /** Names of the lists among bits, as text, and the greatest of their severities. */
  describe(bits: ListBits): { readonly names: string; readonly severity: number } {
    const numbers = listsOf(bits);
    return {
      names: numbers.map((number) => this.nameOf(number)).join(", "),
      severity: Math.max(0, ...numbers.map((number) => this.severityOf(number))),
    };
  }

  /** A list's name; those of an original's file have its name and their number. */
  nameOf(number: number): string {
    const source = this.#sourceOf(number);
    if (!source) return `list ${number}`;
    return source.number === number ? source.name : `${source.name}.${number}`;
  }

  severityOf(number: number): number {
    return this.#sourceOf(number)?.severity ?? 0;
  }

  #sourceOf(number: number): ListSource | undefined {
    const sources = this.#files.map(({ source }) => source);
    return (
      sources.find((source) => source.number === number) ??
      sources.find((source) => source.number === 0)
    );
  }

  /** Once a second, by any clock: notice files that have changed, and go on with reading them. */
  look(now: number): void {
    if (this.#work) this.#step();
    else if (Math.abs(now - this.#lookedAt) >= LOOK) {
      this.#lookedAt = now;
      // A version is read once it has been seen twice: by then whoever writes it in place is through.
      const changed = this.#files.filter((file) => {
        const version = versionOf(file.source.path);
        const isSettled = version === file.seen;
        file.seen = version;
        return isSettled && version !== file.read;
      });
      if (changed.length > 0) this.#work = this.#build();
    }
  }

  /** Read what has changed at once, as the operator asks or at the start. */
  readNow(): void {
    this.#work = undefined;
    for (const file of this.#files) file.seen = versionOf(file.source.path);
    if (this.#files.every((file) => file.seen === file.read)) return;
    this.#work = this.#build();
    while (this.#work) this.#step();
  }

  #step(): void {
    const { done, value } = this.#work!.next();
    if (!done) return;
    this.#work = undefined;
    this.#context.count("list_bytes", value.byteLength - this.#bytes);
    this.#bytes = value.byteLength;
    this.matcher = value;
  }

  /** Put all lists into a new matcher, those that have changed as they are now. */
  *#build(): Generator<undefined, M> {
    for (;;) {
      const matcher = this.#make();
      if (yield* this.#fill(matcher)) return matcher;
    }
  }

  /** False when a changed file turned out to be broken, with some of it in the matcher. */
  *#fill(matcher: M): Generator<undefined, boolean> {
    for (const file of this.#files) {
      const intake = new Intake(matcher, file.source.number);
      if (file.seen !== file.read) {
        if (!(yield* this.#take(file, intake))) return false;
      } else if (file.text !== "") yield* readList(listText(file, file), intake);
    }
    return true;
  }

  /** Take the text that a changed file has now; false when it is none of a list. */
  *#take(file: ListFile, intake: Intake): Generator<undefined, boolean> {
    const { module, count, warn } = this.#context;
    file.read = file.seen;
    try {
      const now = readText(file.source.path);
      yield* readList(listText(file, now), intake);
      file.text = now.text;
      file.written = now.written;
    } catch (error) {
      if (!(error instanceof BrokenList)) throw error;
      count("list_failures");
      warn(`${module}: ${complaint(file, error)}`);
      return false;
    }
    count("list_entries", intake.entries - file.entries);
    count("list_bad_lines", intake.bad - file.bad);
    file.entries = intake.entries;
    file.bad = intake.bad;
    if (intake.bad > 0) warn(`${module}: ${badLines(file, intake)}`);
    return true;
  }
}

interface FileText {
  readonly text: string;
  readonly written: number;
}

const listText = ({ source: { format, column } }: ListFile, { text, written }: FileText) => ({
  text,
  written,
  format,
  column,
});

/** What tells a file from what it was before. */
function versionOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.ino} ${stats.size} ${stats.mtimeMs}` : NO_FILE;
}

function readText(path: string): FileText {
  let stats: Stats | undefined;
  try {
    stats = statSync(path);
    if (!stats.isFile()) throw new BrokenList("is no file");
    if (stats.size > FILE_MAX) throw new BrokenList(`is larger than ${FILE_MAX >> 20} MB`);
    return { text: readFileSync(path, "utf8"), written: stats.mtimeMs };
  } catch (error) {
    throw error instanceof BrokenList ? error : new BrokenList(messageOf(error));
  }
}

const place = ({ source: { path } }: ListFile, line: number): string =>
  line > 0 ? `${path}:${line}` : path;

const complaint = (file: ListFile, { message, line }: BrokenList): string =>
  `list ${file.source.name}: ${place(file, line)}: ${message}; ` +
  `${file.text === "" ? "nothing of it is looked for" : "what it held before stays in force"}; ` +
  `mend the file, \`nemean lists check ${file.source.path}\` says when it is sound`;

const badLines = (file: ListFile, { bad, firstBad, firstBadLine, entries }: Intake): string =>
  `list ${file.source.name}: ${place(file, firstBadLine)}: ${firstBad}; ` +
  `${bad} bad lines are left out, ${entries} entries are in force`;
