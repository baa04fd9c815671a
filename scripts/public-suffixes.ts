// SPDX-License-Identifier: BSD-3-Clause
/** The rules of the Public Suffix List, as the package tldts holds them, for what is made of them. @module */
import { parse } from "tldts";

/** How tldts lays the list out: a tree whose edges are labels, from the right to the left of a name. It is no public interface. */
interface Tree {
  readonly nodeFlags: Uint8Array;
  readonly edgeStart: Uint16Array;
  readonly edgeLength: Uint8Array;
  readonly edgeChild: Uint16Array;
  readonly labelText: string;
  readonly rulesRoot: number;
  readonly exceptionsRoot: number;
}
const DATA = "tldts/dist/es6/src/data/trie.js";
/** Flags of nodes that end a rule. */
const REGISTRIES = 1;

export interface Suffixes {
  /** Rules as they are written: `co.uk`, `*.ck`. */
  readonly rules: readonly string[];
  /** Names that a rule with a star does not mean: `www.ck`. */
  readonly exceptions: readonly string[];
  /** Rules of one label that registries have, which is all top-level domains. */
  readonly tops: readonly string[];
}

/**
 * Reads the list.
 *
 * @throws Error when tldts lays it out in another way than is known here
 */
export async function publicSuffixes(): Promise<Suffixes> {
  const tree: Tree = await import(DATA);
  const offsets = new Uint32Array(tree.edgeLength.length + 1);
  for (const [edge, length] of tree.edgeLength.entries())
    offsets[edge + 1] = offsets[edge]! + length;
  const tops: string[] = [];

  function* below(node: number, parent: string): Generator<string> {
    for (let edge = tree.edgeStart[node]!; edge < tree.edgeStart[node + 1]!; edge++) {
      const label = tree.labelText.slice(offsets[edge], offsets[edge + 1]);
      const name = parent === "" ? label : `${label}.${parent}`;
      const child = tree.edgeChild[edge]!;
      const flags = tree.nodeFlags[child]!;
      if (flags !== 0) yield name;
      if (parent === "" && node === tree.rulesRoot && (flags & REGISTRIES) !== 0) tops.push(name);
      yield* below(child, name);
    }
  }

  const rules = [...below(tree.rulesRoot, "")];
  const exceptions = [...below(tree.exceptionsRoot, "")];
  for (const rule of rules) check(rule.replace("*", "any"), rule);
  if (rules.length < 9000 || !exceptions.includes("www.ck"))
    throw new Error(`${DATA} is another one`);
  return { rules: inAscii(rules), exceptions: inAscii(exceptions), tops: inAscii(tops) };
}

/** The library itself has to say that a rule is one. */
function check(name: string, rule: string): void {
  const { publicSuffix } = parse(name, { allowPrivateDomains: true });
  if (publicSuffix !== name) throw new Error(`${rule} is no rule: ${publicSuffix}`);
}

/** As they stand in messages (RFC 5891); the list has letters of other scripts and their coded forms. */
const inAscii = (rules: readonly string[]): string[] => [...new Set(rules.map(ascii))].sort();

function ascii(rule: string): string {
  const star = rule.startsWith("*.") ? "*." : "";
  return star + new URL(`http://${rule.slice(star.length)}`).hostname;
}
