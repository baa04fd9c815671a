// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, NemeanError } from "../errors.ts";

const TOKEN = /[()[\],]|&&|\|\||[<>=!]+|[^\s()[\],<>=!]+/g;
/** Characters of a filter that a message quotes. */
const QUOTED_MAX = 40;

/** The words of a filter, in lower case: `""` at the end. */
export class Tokens {
  readonly #words: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#words = text.toLowerCase().match(TOKEN) ?? [];
  }

  get word(): string {
    return this.#words[this.#at] ?? "";
  }

  /** The word behind it. */
  get next(): string {
    return this.#words[this.#at + 1] ?? "";
  }

  /** Take a word. */
  step(): string {
    const { word } = this;
    this.#at++;
    return word;
  }

  /** Take the word when it is one of these. */
  takes(...words: readonly string[]): boolean {
    if (this.word === "" || !words.includes(this.word)) return false;
    this.#at++;
    return true;
  }

  /** @throws {NemeanError} ERR_PARAM: the word where it stands is none of those */
  expected(what: string): never {
    const before = this.#words.slice(0, this.#at).join(" ").slice(-QUOTED_MAX);
    const word = this.word === "" ? "the end" : `"${this.word.slice(0, QUOTED_MAX)}"`;
    const where = before === "" ? "" : ` behind "${before}"`;
    throw new NemeanError("ERR_PARAM", EXIT.config, `filter: ${word}${where}: expected ${what}`);
  }
}
