// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync, writeFileSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { EVENT, type Flow, MESSAGE, original as record, type Setup } from "./fields.ts";
import { type Called, keepCallId, type SuffixNode, SuffixTree, stringOf } from "./suffix-tree.ts";

/** Seconds of the flows' time between two looks for callers to be forgotten. */
const CLEAR_PERIOD = 60;
const DISABLED = "disabled";
const OK = 200;

/** What is known of a caller. Times are whole seconds. */
interface Caller {
  readonly address: Address;
  tree: SuffixTree;
  first: number;
  lastSeen: number;
  lastCheck: number;
  lastAttack: number;
  eventId: number;
  /** The number of the last attack, without its prefix. */
  attacked: string | undefined;
}

/** A place where prefixes are guessed. */
interface Attack {
  readonly top: SuffixNode;
  readonly count: number;
  readonly guess: SuffixNode;
  readonly prefixLength: number;
  readonly invites: number;
  readonly answered: number;
}

/** The callers, from the one least recently seen on, in bounds that the original has not. */
class Callers {
  readonly #callers = new Map<string, Caller>();
  readonly #limits: Setup["params"];
  readonly #count: Setup["count"];
  /** Strings in all trees. */
  #strings = 0;
  #lastClear = 0;

  constructor({ params: limits, count }: Setup) {
    this.#limits = limits;
    this.#count = count;
  }

  find(address: string): Caller | undefined {
    return this.#callers.get(address);
  }

  /** The caller of a flow, made when there is none. */
  seen(flow: Flow, now: number): Caller {
    const address = String(flow.SRC_IP);
    const known = this.#callers.get(address);
    if (known) this.#callers.delete(address);
    else this.#makeRoom();
    const caller = known ?? newCaller(Address.of(flow.SRC_IP), now);
    this.#callers.set(address, caller);
    if (caller.first === 0) caller.first = now;
    caller.lastSeen = now;
    return caller;
  }

  insert({ tree }: Caller, target: string): Called {
    const before = tree.root.strings;
    const called = tree.insert(target);
    this.#strings += tree.root.strings - before;
    return called;
  }

  delete({ tree }: Caller, node: SuffixNode): void {
    this.#strings -= node.strings;
    tree.delete(node);
  }

  #forget(address: string, caller: Caller): void {
    this.#strings -= caller.tree.root.strings;
    this.#callers.delete(address);
  }

  #makeRoom(): void {
    const { numbersMax } = this.#limits;
    for (const [address, caller] of this.#callers) {
      if (this.#callers.size < numbersMax && this.#strings < numbersMax) return;
      this.#forget(address, caller);
      this.#count("numbers_evicted");
    }
  }

  /** Once a minute forget those who were silent for long, and what others called when it is too much. */
  clear(now: number): void {
    if (now - this.#lastClear < CLEAR_PERIOD) return;
    this.#lastClear = now;
    for (const [address, caller] of this.#callers) {
      if (now - caller.lastSeen > this.#limits.clearAfter) this.#forget(address, caller);
      else if (caller.tree.root.strings > this.#limits.itemsMax) {
        this.delete(caller, caller.tree.root);
        caller.first = 0;
      }
    }
  }
}

const newCaller = (address: Address, now: number): Caller => ({
  address,
  tree: new SuffixTree(),
  first: now,
  lastSeen: now,
  lastCheck: now,
  lastAttack: 0,
  eventId: 0,
  attacked: undefined,
});

/** voip_fraud_detection as it is: a suffix tree for each caller, searched before a call is put into it. */
export function original(context: Setup) {
  const { params: settings, out, warn } = context;
  const { interval, pause, eventIdFile } = settings;
  const callers = new Callers(context);
  let lastEvent = eventIdFile === DISABLED ? 0 : storedId(eventIdFile, warn);
  // The original's record has no TIME_LAST.
  out.alerts.announce(record);

  function check(caller: Caller, now: number): void {
    if (now - caller.lastCheck < interval || now - caller.lastAttack < pause) return;
    caller.lastCheck = now;
    const attack = search(caller.tree.root, settings, new Set());
    if (!attack) return;
    caller.lastAttack = now;
    const guess = stringOf(attack.guess);
    const attacked = guess.slice(attack.prefixLength);
    if (caller.eventId === 0 || caller.attacked !== attacked) caller.eventId = ++lastEvent;
    caller.attacked = attacked;
    out.alerts.send({
      EVENT_ID: caller.eventId,
      EVENT_TYPE: EVENT.prefixGuess,
      SRC_IP: caller.address,
      DETECTION_TIME: now * SECOND,
      TIME_FIRST: caller.first * SECOND,
      VOIP_FRAUD_SIP_TO: guess,
      VOIP_FRAUD_USER_AGENT: attack.guess.called!.agent,
      VOIP_FRAUD_PREFIX_LENGTH: attack.prefixLength,
      VOIP_FRAUD_PREFIX_EXAMINATION_COUNT: attack.count,
      VOIP_FRAUD_SUCCESSFUL_CALL_COUNT: attack.answered,
      VOIP_FRAUD_INVITE_COUNT: attack.invites,
    });
    callers.delete(caller, attack.top);
  }

  function invite(flow: Flow, now: number): void {
    const target = partyOf(flow.SIP_REQUEST_URI) || partyOf(flow.SIP_CALLED_PARTY);
    if (target === "") return;
    const caller = callers.seen(flow, now);
    check(caller, now);
    const called = callers.insert(caller, target);
    called.invites++;
    called.agent = flow.SIP_USER_AGENT;
    keepCallId(called, flow.SIP_CALL_ID);
  }

  function answer(flow: Flow): void {
    if (flow.SIP_STATUS_CODE !== OK || !flow.SIP_CSEQ.includes("INV")) return;
    const called = callers.find(String(flow.DST_IP))?.tree.find(partyOf(flow.SIP_CALLED_PARTY));
    if (called?.callIds.includes(flow.SIP_CALL_ID)) called.answers++;
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) {
        const now = Math.floor(flow.TIME_FIRST / SECOND);
        if (flow.SIP_MSG_TYPE === MESSAGE.invite) invite(flow, now);
        else if (flow.SIP_MSG_TYPE === MESSAGE.response) answer(flow);
        callers.clear(now);
      }
    },
    end() {
      if (eventIdFile !== DISABLED) storeId(eventIdFile, lastEvent, warn);
    },
  };
}

const PARTY = /^sips?:([^;?]*)/;

/** The party of a URI without scheme and parameters; empty when it is none. */
const partyOf = (uri: string): string => PARTY.exec(uri)?.[1] ?? "";

type Limits = Pick<Setup["params"], "prefixesMax" | "prefixLengthMax">;

/** The first attack below a node; nodes found harmless are not looked at again. */
function search(node: SuffixNode, limits: Limits, harmless: Set<SuffixNode>): Attack | undefined {
  for (const child of node.ordered) {
    const found = search(child, limits, harmless);
    if (found) return found;
  }
  if (node.children.size > 0 || !node.parent) return undefined;
  const top = topOf(node, limits.prefixLengthMax);
  if (top.strings <= limits.prefixesMax || harmless.has(top)) return undefined;
  const attack = recount(top, limits.prefixLengthMax);
  if (attack && attack.count > limits.prefixesMax) return attack;
  harmless.add(top);
  return undefined;
}

/** The node that a prefix which ends in `leaf` may stand before: as far up as its length allows, and not past an `@`. */
function topOf(leaf: SuffixNode, prefixLengthMax: number): SuffixNode {
  let node = leaf;
  let length = node.text.length;
  while (length <= prefixLengthMax && !node.text.includes("@") && node.parent) {
    node = node.parent;
    length += node.text.length;
  }
  return node;
}

/** What was guessed before a node: strings without those whose prefix is too long and those that were answered. */
function recount(top: SuffixNode, prefixLengthMax: number): Attack | undefined {
  let left = 0;
  let invites = 0;
  let answered = 0;
  let guess: SuffixNode | undefined;
  let longest = 0;

  function visit(node: SuffixNode, length: number): void {
    if (length > prefixLengthMax) {
      left += node.strings + 1;
      return;
    }
    if (node.called) {
      invites += node.called.invites;
      if (node.called.answers > 0) {
        left++;
        answered++;
      } else if (length > longest) {
        guess = node;
        longest = length;
      }
    }
    for (const child of node.ordered)
      visit(child, length + (child.text.includes("@") ? 0 : child.text.length));
  }

  visit(top, 0);
  return (
    guess && { top, count: top.strings - left, guess, prefixLength: longest, invites, answered }
  );
}

function storedId(path: string, warn: Setup["warn"]): number {
  try {
    return Number.parseInt(readFileSync(path, "utf8"), 10) || 0;
  } catch (error) {
    warn(`voip-fraud: event numbers begin anew: ${messageOf(error)}`);
    return 0;
  }
}

function storeId(path: string, id: number, warn: Setup["warn"]): void {
  try {
    writeFileSync(path, `${id}\n`);
  } catch (error) {
    warn(`voip-fraud: the number of the last event is not kept: ${messageOf(error)}`);
  }
}
