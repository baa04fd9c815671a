// SPDX-License-Identifier: BSD-3-Clause
import { type ListText, readList } from "../../core/threat-list/formats.ts";
import { BrokenList, Intake } from "../../core/threat-list/intake.ts";
import {
  AddressMatcher,
  DomainMatcher,
  type Kind,
  UrlMatcher,
} from "../../core/threat-list/matcher.ts";

const MATCHERS = {
  ip: () => new AddressMatcher(),
  domain: () => new DomainMatcher(),
  url: () => new UrlMatcher(),
} as const;

/** What a detector would make of a list. */
export interface Findings {
  readonly entries: number;
  readonly bad: number;
  readonly unused: number;
  /** The first bad line, or why the file is no list; empty when all is good. */
  readonly complaint: string;
  readonly isBroken: boolean;
}

/** Read a list as a detector of that kind of indicator does. */
export function checkList(list: ListText, kind: Kind): Findings {
  const reading = check(list, kind);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return value;
  }
}

/** The same, some thousand lines at a time: others have their turn between them. */
export async function checkListSlowly(list: ListText, kind: Kind): Promise<Findings> {
  const reading = check(list, kind);
  for (;;) {
    const { done, value } = reading.next();
    if (done) return value;
    // biome-ignore lint/performance/noAwaitInLoops: one after the other is the point.
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

function* check(list: ListText, kind: Kind): Generator<undefined, Findings> {
  const intake = new Intake(MATCHERS[kind](), 1);
  const at = (line: number, what: string): string => (line > 0 ? `line ${line}: ${what}` : what);
  try {
    yield* readList(list, intake);
  } catch (error) {
    if (!(error instanceof BrokenList)) throw error;
    const { entries, bad, unused } = intake;
    return { entries, bad, unused, complaint: at(error.line, error.message), isBroken: true };
  }
  const { entries, bad, unused, firstBad, firstBadLine } = intake;
  const complaint = bad > 0 ? at(firstBadLine, firstBad) : "";
  return { entries, bad, unused, complaint, isBroken: false };
}
