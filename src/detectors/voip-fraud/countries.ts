// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import { paramError } from "../../core/errors.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Dialled } from "./dialled.ts";
import { EVENT, type Flow, type Setup, shown } from "./fields.ts";

/** Pairs of caller and unusual country watched at once. */
const CALLED_MAX = 4096;
const EVIDENCE_SLOTS = 128;

const CODE = /^[1-9]\d{0,2}$/;

/** The codes of a list; empty for none. Throws ERR_PARAM that names what is no country code. */
export function codesOf(list: string): Set<number> {
  const words = list.split(",").flatMap((word) => word.trim() || []);
  const wrong = words.find((word) => !CODE.test(word));
  if (wrong !== undefined)
    throw paramError(`countries: expected E.164 country codes such as 420,49, got "${wrong}"`);
  return new Set(words.map(Number));
}

/** Who calls a country that is not in the list of the usual ones. */
export function unusualCountries({ params: settings, out, state }: Setup, usual: Set<number>) {
  const idle = settings.idleTimeout * SECOND;
  const calls = state.column("countries.calls", "uint32", CALLED_MAX);
  const announced = state.column("countries.announced", "uint32", CALLED_MAX);
  const answered = state.column("countries.answered", "uint32", CALLED_MAX);
  const first = state.column("countries.first", "float64", CALLED_MAX);
  const last = state.column("countries.last", "float64", CALLED_MAX);
  const evidenceOf = state.column("countries.evidenceOf", "int32", CALLED_MAX);
  const evidence = state.evidence("countries.evidence", EVIDENCE_SLOTS, shown);
  const called = state.table("countries", {
    key: ["ip", "number"],
    rows: CALLED_MAX,
    idle,
    onLeave: (row) => announce(row, { closed: true, time: called.touched(row) + idle }),
  });

  function announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const caller = called.ip(row, 0);
    const code = called.number(row, 4);
    const flows = evidence.flows(evidenceOf[row]!, row);
    const latest = flows.at(-1);
    announced[row] = calls[row]!;
    out.alerts.send(
      {
        EVENT_TYPE: EVENT.country,
        SRC_IP: caller,
        DST_IP: String(latest?.["DST_IP"] ?? "::"),
        DETECTION_TIME: last[row]!,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        VOIP_FRAUD_SIP_TO: String(latest?.["SIP_REQUEST_URI"] ?? ""),
        VOIP_FRAUD_SIP_FROM: String(latest?.["SIP_CALLING_PARTY"] ?? ""),
        VOIP_FRAUD_USER_AGENT: String(latest?.["SIP_USER_AGENT"] ?? ""),
        VOIP_FRAUD_COUNTRY_CODE: String(code),
        VOIP_FRAUD_SUCCESSFUL_CALL_COUNT: answered[row]!,
        VOIP_FRAUD_INVITE_COUNT: calls[row]!,
      },
      {
        rule: "country",
        key: `${caller}>+${code}`,
        reason: `${caller} called numbers of the country +${code}, which is not among the usual ones (${settings.countries}): ${calls[row]} calls`,
        observed: calls[row]!,
        threshold: 1,
        source: { ip: String(caller) },
        evidence: flows,
        ...closing,
      },
    );
  }

  return {
    call(dialled: Dialled, time: number, flow: Flow): void {
      const code = dialled.country;
      if (code === 0 || usual.has(code)) return;
      const row = called.upsertIpNumber(flow.SRC_IP, code, time);
      if (called.isNew) {
        calls[row] = announced[row] = answered[row] = 0;
        first[row] = last[row] = time;
        evidenceOf[row] = evidence.take(row);
      }
      calls[row]!++;
      if (isAnswered(flow)) answered[row]!++;
      if (time < first[row]!) first[row] = time;
      if (time > last[row]!) last[row] = time;
      evidence.keep(evidenceOf[row]!, row, flow as never);
      if (calls[row]! >= announced[row]! * 2) announce(row);
    },
    expire: (now: number) => called.expire(now),
    end() {
      called.forEach((row) => {
        if (announced[row] !== calls[row]) announce(row);
      });
    },
  };
}

/** Whether the last response of a call's flow is a success: RFC 3261 section 7.2. */
export const isAnswered = ({ SIP_STATUS_CODE }: Flow): boolean =>
  SIP_STATUS_CODE >= 200 && SIP_STATUS_CODE < 300;
