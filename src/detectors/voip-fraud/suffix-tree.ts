// SPDX-License-Identifier: BSD-3-Clause

/** What the original keeps of a called party. */
export interface Called {
  invites: number;
  answers: number;
  agent: string;
  readonly callIds: string[];
}

/** Call-IDs of a called party that an answer may have. */
const CALL_IDS_MAX = 100;

export const newCalled = (): Called => ({ invites: 0, answers: 0, agent: "", callIds: [] });

/** Keep a Call-ID, in place of the oldest. */
export function keepCallId(called: Called, id: string): void {
  if (called.callIds.includes(id)) return;
  called.callIds.push(id);
  if (called.callIds.length > CALL_IDS_MAX) called.callIds.shift();
}

/** A stretch of characters that strings have in common from their ends on. */
export class SuffixNode {
  /** In the order of the string, so to the left of what the parent has. */
  text: string;
  parent: SuffixNode | undefined;
  readonly children = new Map<string, SuffixNode>();
  called: Called | undefined;
  /** Strings that end in this node or below it. */
  strings = 0;

  constructor(text: string, parent?: SuffixNode) {
    this.text = text;
    this.parent = parent;
  }

  /** Children by their character. */
  get ordered(): SuffixNode[] {
    return [...this.children].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, child]) => child);
  }
}

/** Strings by their ends: each path from a node to the root spells one. */
export class SuffixTree {
  readonly root = new SuffixNode("");

  find(string: string): Called | undefined {
    let node: SuffixNode | undefined = this.root;
    let rest = string;
    while (rest !== "") {
      node = node.children.get(rest.at(-1)!);
      if (!node || !rest.endsWith(node.text)) return undefined;
      rest = rest.slice(0, rest.length - node.text.length);
    }
    return node.called;
  }

  /** The entry of a string, made when there is none. */
  insert(string: string): Called {
    let node = this.root;
    let rest = string;
    while (rest !== "") {
      const child = node.children.get(rest.at(-1)!);
      if (!child) {
        node = append(node, rest);
        break;
      }
      const common = commonEnd(child.text, rest);
      node = common === child.text.length ? child : split(child, common);
      rest = rest.slice(0, rest.length - common);
    }
    if (!node.called) {
      node.called = newCalled();
      grow(node, 1);
    }
    return node.called;
  }

  /** Forget a node and all below it. */
  delete(node: SuffixNode): void {
    grow(node, -node.strings);
    if (node.parent) node.parent.children.delete(node.text.at(-1)!);
    else {
      node.children.clear();
      node.called = undefined;
    }
  }
}

function append(parent: SuffixNode, text: string): SuffixNode {
  const node = new SuffixNode(text, parent);
  parent.children.set(text.at(-1)!, node);
  return node;
}

/** Put a node between a child and its parent that has the last `common` characters; returns it. */
function split(child: SuffixNode, common: number): SuffixNode {
  const node = append(child.parent!, child.text.slice(child.text.length - common));
  node.strings = child.strings;
  child.text = child.text.slice(0, child.text.length - common);
  child.parent = node;
  node.children.set(child.text.at(-1)!, child);
  return node;
}

function grow(from: SuffixNode, by: number): void {
  for (let node: SuffixNode | undefined = from; node; node = node.parent) node.strings += by;
}

function commonEnd(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a.at(-1 - length) === b.at(-1 - length))
    length++;
  return length;
}

/** The string that a node ends. */
export function stringOf(from: SuffixNode): string {
  let text = "";
  for (let node: SuffixNode | undefined = from; node; node = node.parent) text += node.text;
  return text;
}
