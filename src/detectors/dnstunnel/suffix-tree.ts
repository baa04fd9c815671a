// SPDX-License-Identifier: BSD-3-Clause

/** Most different strings a tree keeps. The original has no bound. */
export const STRINGS_MAX = 65_536;
/** From so many inserts on a string no longer is one that was asked for once. */
const OFTEN = 10;
/** Depth of the domains among which the busiest is looked for. */
const DEPTH = 2;

/** What the original's suffix tree knows of the strings put into it, their labels as nodes, from the right. */
export class SuffixTree {
  inserts = 0;
  /** Different strings; those inserted fewer than ten times. */
  different = 0;
  once = 0;
  /** Inserts by which the original divides: a string counts once up to its ninth insert, then all of them. */
  counted = 0;
  readonly #counts = new Map<string, number>();
  readonly #rare = new Set<string>();
  readonly #nodes = new Set<string>();
  /** Nodes below each domain of {@link DEPTH} labels. */
  readonly #below = new Map<string, number>();

  /** Returns false when there is no place for another string. */
  insert(text: string): boolean {
    const count = (this.#counts.get(text) ?? 0) + 1;
    if (count === 1 && this.#counts.size >= STRINGS_MAX) return false;
    this.#counts.set(text, count);
    this.inserts++;
    if (count === 1) {
      this.different++;
      this.once++;
      this.counted++;
      this.#rare.add(text);
      this.#addNodes(text);
    } else if (count === OFTEN) {
      this.once--;
      this.counted += OFTEN - 1;
      this.#rare.delete(text);
    } else if (count > OFTEN) this.counted++;
    return true;
  }

  #addNodes(text: string): void {
    let parent = "";
    let depth = 0;
    for (let end = text.length; end > 0; ) {
      const dot = text.lastIndexOf(".", end - 1);
      const node = text.slice(dot + 1);
      depth++;
      if (!this.#nodes.has(node)) {
        this.#nodes.add(node);
        if (depth > DEPTH) this.#below.set(parent, (this.#below.get(parent) ?? 0) + 1);
      }
      if (depth === DEPTH) parent = node;
      end = dot;
    }
  }

  /** Share of the strings asked for once, and of different ones. */
  get onceShare(): number {
    return this.once / this.counted;
  }

  get differentShare(): number {
    return this.different / this.counted;
  }

  /** Share of the nodes that lie below the busiest domain. */
  get busiestShare(): number {
    return this.#nodes.size === 0 ? 0 : Math.max(0, ...this.#below.values()) / this.#nodes.size;
  }

  /** The string that came last as a new one, of those that are rare. */
  get lastRare(): string {
    return [...this.#rare].at(-1) ?? "";
  }

  get mostInserted(): string {
    let [most, times] = ["", OFTEN - 1];
    for (const [text, count] of this.#counts) if (count > times) [most, times] = [text, count];
    return most;
  }
}
