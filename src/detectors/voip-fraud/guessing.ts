// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail, EvidenceFlow } from "../../core/alert.ts";
import { DistinctAddresses, EXACT_MAX } from "../../core/state/distinct-addresses.ts";
import { hashWord } from "../../core/state/hyper-log-log.ts";
import { Address } from "../../core/unirec/ip.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import type { Dialled } from "./dialled.ts";
import { EVENT, type Flow, type Setup, shown } from "./fields.ts";

/** Numbers whose prefixes are counted past the first ones, at once: 24 KB each, 3 MB in all. */
const DISTINCT_SLOTS = 128;
/** Suspects whose calls are kept as evidence. */
const EVIDENCE_SLOTS = 256;

/** What is known of each number of a caller. */
function columnsOf(state: Setup["state"], rows: number) {
  return {
    prefixCount: state.column("prefixCount", "uint32", rows),
    /** Prefixes in the last alert, 0 before it. */
    announced: state.column("announced", "uint32", rows),
    invites: state.column("invites", "uint32", rows),
    answered: state.column("answered", "uint32", rows),
    /** Hash of the Call-ID of the last answer, which is sent again until it is acknowledged. */
    lastAnswer: state.column("lastAnswer", "int32", rows),
    longest: state.column("longest", "uint8", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

type Columns = ReturnType<typeof columnsOf>;

function clear(columns: Columns, row: number, time: number): void {
  columns.prefixCount[row] = columns.announced[row] = columns.longest[row] = 0;
  columns.invites[row] = columns.answered[row] = columns.lastAnswer[row] = 0;
  columns.first[row] = columns.last[row] = time;
}

/** The distinct prefixes before each number: a list up to the limit, a set from there on. */
function prefixSets({ params: { numbersMax }, state, count }: Setup, listed: number) {
  const prefixes = state.column("prefixes", "int32", numbersMax * listed);
  const distinctOf = state.column("distinctOf", "int32", numbersMax);
  const distinct = new DistinctAddresses("distinct", DISTINCT_SLOTS, state, count);
  /** A prefix as the set takes it. */
  const address = new Address();

  function addressOf(prefix: number): Address {
    address.w0 = prefix;
    return address;
  }

  function list(row: number, size: number, prefix: number): number {
    const start = row * listed;
    const end = start + size;
    for (let i = start; i < end; i++) if (prefixes[i] === prefix) return size;
    prefixes[end] = prefix;
    if (size + 1 < listed) return size + 1;
    const slot = distinct.take(row);
    distinctOf[row] = slot;
    for (let i = start; i <= end; i++) distinct.add(slot, row, addressOf(prefixes[i]!));
    return listed;
  }

  return {
    /** Add a prefix, by its hash, to a set of so many; returns the new number. */
    add: (row: number, size: number, prefix: number): number =>
      size < listed
        ? list(row, size, prefix)
        : distinct.add(distinctOf[row]!, row, addressOf(prefix)),
    /** The number is forgotten. */
    release: (row: number) => distinct.release(distinctOf[row]!, row),
  };
}

/** Who tries many prefixes before one and the same number. */
export function guesses(context: Setup) {
  const { out, state } = context;
  const { prefixesMax, numberDigits, idleTimeout, numbersMax } = context.params;
  const listed = prefixesMax + 1;
  const columns = columnsOf(state, numbersMax);
  const { prefixCount, announced, invites, answered, lastAnswer } = columns;
  const { longest, first, last, evidenceOf } = columns;
  const prefixes = prefixSets(context, listed);
  const evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
  const suspectAt = Math.ceil(listed / 2);
  const numbers = state.table("numbers", {
    key: ["ip", "number"],
    rows: numbersMax,
    idle: idleTimeout * SECOND,
    onLeave(row) {
      const time = numbers.touched(row) + idleTimeout * SECOND;
      if (announced[row] !== 0) announce(row, { closed: true, time });
      if (prefixCount[row]! >= listed) prefixes.release(row);
    },
  });

  function announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const caller = numbers.ip(row, 0);
    const tail = String(numbers.number(row, 4)).padStart(numberDigits, "0");
    const tried = prefixCount[row]!;
    const calls = evidence.flows(evidenceOf[row]!, row);
    announced[row] = tried;
    out.alerts.send(
      { ...recordOf(columns, row), SRC_IP: caller, ...partiesOf(calls.at(-1)) },
      {
        rule: answered[row] === 0 ? "guess" : "breach",
        key: `${caller}>*${tail}`,
        reason: `${caller} tried ${numberOf(tried)} prefixes before the number ${tail} (limit ${prefixesMax}) in ${invites[row]} calls, of which ${answered[row]} were answered`,
        observed: tried,
        threshold: prefixesMax,
        source: { ip: String(caller) },
        target: calledOf(calls),
        evidence: calls,
        ...closing,
      },
    );
  }

  /** A call of that row was answered. */
  function answer(row: number, callId: number): void {
    if (lastAnswer[row] === callId && answered[row] !== 0) return;
    lastAnswer[row] = callId;
    answered[row]!++;
    if (announced[row] !== 0 && answered[row] === 1) announce(row);
  }

  /** A call; returns the row of its caller and number, -1 when the number is too short to be one. */
  function call(dialled: Dialled, time: number, flow: Flow): number {
    const tail = dialled.tail(numberDigits);
    if (tail < 0) return -1;
    const row = numbers.upsertIpNumber(flow.SRC_IP, tail, time);
    if (numbers.isNew) clear(columns, row, time);
    if (time < first[row]!) first[row] = time;
    if (time > last[row]!) last[row] = time;
    invites[row]!++;
    longest[row] = Math.max(longest[row]!, dialled.length - numberDigits);
    const former = prefixCount[row]!;
    const tried = prefixes.add(row, former, prefixOf(dialled, numberDigits));
    if (tried <= former) return row; // Not new, or its set was given away and the count stands still.
    prefixCount[row] = tried;
    if (tried < suspectAt) return row;
    if (tried === suspectAt) evidenceOf[row] = evidence.take(row);
    evidence.keep(evidenceOf[row]!, row, flow as never);
    if (tried >= listed && (former < listed || tried >= announced[row]! * 2)) announce(row);
    return row;
  }

  return {
    call,
    answer,
    /** A call of that caller to that number was answered. */
    answerTo(caller: Ip, dialled: Dialled, callId: number): void {
      const tail = dialled.tail(numberDigits);
      const row = tail < 0 ? -1 : numbers.findIpNumber(caller, tail);
      if (row >= 0) answer(row, callId);
    },
    expire: (now: number) => numbers.expire(now),
    end() {
      numbers.forEach((row) => {
        if (announced[row] !== 0 && announced[row] !== prefixCount[row]) announce(row);
      });
    },
  };
}

/**
 * What stands before the number, as a hash. The usual ways to write one number (`+44…`, `0044…`, `01144…`, `44…`)
 * are one prefix: who uses all of them guesses nothing.
 */
function prefixOf(dialled: Dialled, digits: number): number {
  const { chars } = dialled;
  const end = dialled.length - digits;
  let hash = 0;
  for (let i = Math.min(dialled.international, end); i < end; i++) hash = hashWord(hash, chars[i]!);
  return hash;
}

const recordOf = (columns: Columns, row: number) => ({
  EVENT_TYPE: EVENT.prefixGuess,
  DETECTION_TIME: columns.last[row]!,
  TIME_FIRST: columns.first[row]!,
  TIME_LAST: columns.last[row]!,
  VOIP_FRAUD_PREFIX_LENGTH: columns.longest[row]!,
  VOIP_FRAUD_PREFIX_EXAMINATION_COUNT: columns.prefixCount[row]!,
  VOIP_FRAUD_SUCCESSFUL_CALL_COUNT: columns.answered[row]!,
  VOIP_FRAUD_INVITE_COUNT: columns.invites[row]!,
});

function partiesOf(call: EvidenceFlow | undefined) {
  const text = (name: string): string => String(call?.[name] ?? "");
  return {
    VOIP_FRAUD_SIP_TO: text("SIP_REQUEST_URI") || text("SIP_CALLED_PARTY"),
    VOIP_FRAUD_SIP_FROM: text("SIP_CALLING_PARTY"),
    VOIP_FRAUD_USER_AGENT: text("SIP_USER_AGENT"),
  };
}

/** The exchange that was called, or how many of them. */
function calledOf(calls: readonly EvidenceFlow[]) {
  const called = new Set(calls.map((call) => String(call["DST_IP"])));
  const [only] = called;
  return only !== undefined && called.size === 1 ? { ip: only } : { count: called.size };
}

const numberOf = (tried: number): string =>
  tried > EXACT_MAX ? `an estimated ${tried} (standard error 1.6 %)` : `${tried}`;
