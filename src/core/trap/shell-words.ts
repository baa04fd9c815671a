// SPDX-License-Identifier: BSD-3-Clause

/** One word of a line, its variables and quotes resolved. */
export interface ShellWord {
  readonly text: string;
  /** For a word with `*`, `?` or `[`: the same, with a backslash before each character that stands for itself. */
  readonly pattern: string | undefined;
}

export type Variables = Readonly<Record<string, string | undefined>>;

const BLANK = /\s/;
const WILD = new Set(["*", "?", "["]);
/** What means something in a pattern, if only between brackets. */
const SPECIAL = /[\\*?[\]!^-]/;
const VARIABLE = /\$(?:(?<bare>[A-Za-z_]\w*)|\{(?<braced>[A-Za-z_]\w*)\})/y;
/** What a backslash takes the meaning from between double quotes. */
const ESCAPED_IN_QUOTES = new Set(["$", '"', "\\", "`"]);

/**
 * Divide a line into words as a shell does, of which no other part runs: blanks, single and double quotes,
 * backslashes, `~`, `$NAME` and `${NAME}`. A variable that is not set is empty. Commands, arithmetic, `~user`
 * and braces are not known and stand for themselves.
 */
export function shellWords(line: string, variables: Variables = process.env): ShellWord[] {
  const words = new Words(line, variables);
  return words.read();
}

class Words {
  readonly #line: string;
  readonly #variables: Variables;
  readonly #words: ShellWord[] = [];
  /** Position in the line. */
  #at = 0;
  #text = "";
  #pattern = "";
  #wild = false;
  /** A word is begun. */
  #open = false;

  constructor(line: string, variables: Variables) {
    this.#line = line;
    this.#variables = variables;
  }

  read(): ShellWord[] {
    while (this.#at < this.#line.length) this.#bare(this.#line[this.#at++]!);
    this.#close();
    return this.#words;
  }

  /** What stands outside of quotes. */
  #bare(character: string): void {
    if (character === "\\" && this.#at < this.#line.length) this.#literal(this.#line[this.#at++]!);
    else if (character === "'") this.#single();
    else if (character === '"') this.#double();
    else if (character === "$") this.#variable((each) => this.#plain(each));
    else if (character === "~" && !this.#open && this.#endsTilde())
      for (const each of this.#variables["HOME"] ?? "~") this.#literal(each);
    else this.#plain(character);
  }

  #endsTilde(): boolean {
    const next = this.#line[this.#at];
    return next === undefined || next === "/" || BLANK.test(next);
  }

  #single(): void {
    // Quotes make a word even when nothing is between them.
    this.#open = true;
    for (; this.#at < this.#line.length; this.#at++) {
      if (this.#line[this.#at] === "'") break;
      this.#literal(this.#line[this.#at]!);
    }
    this.#at++;
  }

  #double(): void {
    this.#open = true;
    while (this.#at < this.#line.length) {
      const character = this.#line[this.#at++]!;
      if (character === '"') return;
      if (character === "$") this.#variable((each) => this.#literal(each));
      else if (character === "\\" && ESCAPED_IN_QUOTES.has(this.#line[this.#at]!))
        this.#literal(this.#line[this.#at++]!);
      else this.#literal(character);
    }
  }

  /** The value of the variable whose dollar sign was read, or that sign itself. */
  #variable(put: (character: string) => void): void {
    VARIABLE.lastIndex = this.#at - 1;
    const found = VARIABLE.exec(this.#line);
    if (!found) {
      this.#literal("$");
      return;
    }
    this.#at = VARIABLE.lastIndex;
    const name = found.groups!["bare"] ?? found.groups!["braced"]!;
    for (const each of this.#variables[name] ?? "") put(each);
  }

  #literal(character: string): void {
    this.#open = true;
    this.#text += character;
    this.#pattern += SPECIAL.test(character) ? `\\${character}` : character;
  }

  /** A character that may divide words or match others. */
  #plain(character: string): void {
    if (BLANK.test(character)) this.#close();
    else if (character === "\\") this.#literal(character);
    else {
      this.#open = true;
      this.#text += character;
      this.#pattern += character;
      this.#wild ||= WILD.has(character);
    }
  }

  #close(): void {
    if (this.#open)
      this.#words.push({ text: this.#text, pattern: this.#wild ? this.#pattern : undefined });
    this.#text = "";
    this.#pattern = "";
    this.#wild = false;
    this.#open = false;
  }
}
