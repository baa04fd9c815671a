// SPDX-License-Identifier: BSD-3-Clause
import { hashWord } from "../../core/state/hyper-log-log.ts";
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { codesOf, isAnswered, unusualCountries } from "./countries.ts";
import { Dialled } from "./dialled.ts";
import { type Flow, MESSAGE, type Setup } from "./fields.ts";
import { guesses } from "./guessing.ts";

/** Looks at each call, and at each answer that comes as a flow of its own. */
export function calls(context: Setup) {
  const usual = codesOf(context.params.countries);
  const guessed = guesses(context);
  const countries = usual.size > 0 ? unusualCountries(context, usual) : undefined;
  const dialled = new Dialled();
  /** Where a record has its descriptors of text, which is read in place. */
  const at = { uri: 0, called: 0, callId: 0, cseq: 0 };

  function invite(flow: Flow, cursor: AnyReader, time: number): void {
    if (!reads(dialled, cursor, at.uri) && !reads(dialled, cursor, at.called)) return;
    const row = guessed.call(dialled, time, flow);
    countries?.call(dialled, time, flow);
    if (row >= 0 && isAnswered(flow)) guessed.answer(row, hashAt(cursor, at.callId));
  }

  function answer(flow: Flow, cursor: AnyReader): void {
    if (!isInvite(cursor, at.cseq) || !reads(dialled, cursor, at.called)) return;
    guessed.answerTo(callerOf(flow), dialled, hashAt(cursor, at.callId));
  }

  return {
    announced(layout: Template) {
      at.uri = fieldOf(layout, "SIP_REQUEST_URI")!.offset;
      at.called = fieldOf(layout, "SIP_CALLED_PARTY")!.offset;
      at.callId = fieldOf(layout, "SIP_CALL_ID")!.offset;
      at.cseq = fieldOf(layout, "SIP_CSEQ")!.offset;
    },
    flows(flow: Flow) {
      const cursor = flow as unknown as AnyReader;
      const isDated = flow.has.TIME_LAST;
      while (flow.next()) {
        const kind = flow.SIP_MSG_TYPE;
        if (kind === MESSAGE.invite)
          invite(flow, cursor, isDated ? flow.TIME_LAST : flow.TIME_FIRST);
        else if (kind === MESSAGE.response && isAnswered(flow)) answer(flow, cursor);
      }
    },
    everySecond(now: number) {
      guessed.expire(now);
      countries?.expire(now);
    },
    end() {
      guessed.end();
      countries?.end();
    },
  };
}

/** Whom an answer is for: a meter that keeps the direction of the call has it among the packets of the other one. */
const callerOf = (flow: Flow): Ip =>
  flow.PACKETS === 0 && flow.PACKETS_REV > 0 ? flow.SRC_IP : flow.DST_IP;

function reads(dialled: Dialled, cursor: AnyReader, descriptor: number): boolean {
  const at = cursor.span(descriptor);
  return dialled.read(cursor.view, at, cursor.spanLength);
}

/** Whether a CSeq is of an INVITE: `1 INVITE`. */
function isInvite(cursor: AnyReader, descriptor: number): boolean {
  const at = cursor.span(descriptor);
  const { view } = cursor;
  const end = at + cursor.spanLength - 4;
  // " INV" as a big-endian word.
  for (let i = at; i <= end; i++) if (view.getUint32(i) === 0x20494e56) return true;
  return false;
}

/** A hash of the first bytes of a value. */
function hashAt(cursor: AnyReader, descriptor: number): number {
  const at = cursor.span(descriptor);
  const end = at + Math.min(cursor.spanLength, 80);
  let hash = 0;
  for (let i = at; i < end; i++) hash = hashWord(hash, cursor.view.getUint8(i));
  return hash;
}
