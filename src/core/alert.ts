// SPDX-License-Identifier: BSD-3-Clause
/**
 * The one canonical alert: stored, shown and exported in every format from these fields.
 * @module
 */
import { type AnyReader, plainRecord } from "./unirec/reader.ts";
import type { Template } from "./unirec/template.ts";

/** One kind of finding of a detector. */
export interface Rule {
  /** Stable for ever: an EVE signature_id, so at least 9,000,000. */
  readonly id: number;
  readonly title: string;
  /** IDEA category, such as `Recon.Scanning`. */
  readonly category: string;
  /** 0 (information) to 10. */
  readonly severity: number;
  /** 0 to 1; a send may say its own. */
  readonly confidence: number;
  /** MITRE ATT&CK technique ids. */
  readonly techniques: readonly string[];
}

export interface Endpoint {
  readonly ip?: string;
  readonly port?: number;
  /** How many different addresses there were, where they are too many to name. */
  readonly count?: number;
}

/** What a detector says beside the original's alert record. */
export interface AlertDetail {
  /** Name of the declared rule; the first one when left out. */
  readonly rule?: string;
  /** Repeats with the same key update one event instead of opening another. */
  readonly key: string;
  /** Why it fired, in words, with the numbers. */
  readonly reason: string;
  readonly observed?: number;
  readonly threshold?: number;
  readonly baseline?: number;
  readonly confidence?: number;
  readonly severity?: number;
  readonly source?: Endpoint;
  readonly target?: Endpoint;
  readonly flows?: number;
  readonly packets?: number;
  readonly bytes?: number;
  /** At most {@link EVIDENCE_MAX} flows that show it. */
  readonly evidence?: readonly EvidenceFlow[];
  /**
   * Event time (microseconds since 1970) at which this came true, when it is not the record's TIME_LAST:
   * of a pause, when it had lasted long enough. Never when it was noticed, which batch borders decide.
   */
  readonly time?: number;
  /** The last word on this event. */
  readonly closed?: boolean;
}

/** A flow record as plain values. */
export type EvidenceFlow = Readonly<Record<string, unknown>>;
export const EVIDENCE_MAX = 20;

export interface Alert {
  /** UUIDv7 of the event: the same in all its updates. */
  readonly id: string;
  /** Detector and its key: what makes two sends the same event. */
  readonly key: string;
  /** 0 when the event opens, then counting its updates. */
  readonly update: number;
  readonly state: "open" | "closed";
  readonly detector: string;
  readonly version: string;
  readonly rule: number;
  readonly title: string;
  readonly category: string;
  readonly severity: number;
  readonly confidence: number;
  readonly techniques: readonly string[];
  /** Microseconds since 1970: event time at which this came true, and the span of what it tells of. */
  readonly detectTime: number;
  readonly firstTime: number;
  readonly lastTime: number;
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly protocol?: number;
  readonly flows?: number;
  readonly packets?: number;
  readonly bytes?: number;
  readonly reason: string;
  readonly observed?: number;
  readonly threshold?: number;
  readonly baseline?: number;
  readonly evidence: readonly EvidenceFlow[];
  readonly sensor: string;
  /** Capture interface, link or file the traffic was seen on. */
  readonly interface: string;
}

export type AlertHandler = (alert: Alert) => void;

/** Open events a detector can have at once; the one least recently updated is forgotten first. */
const EVENTS_MAX = 16_384;

interface OpenEvent {
  readonly id: string;
  updates: number;
  firstTime: number;
}

export interface AlertOrigin {
  readonly detector: string;
  readonly version: string;
  readonly rules: Readonly<Record<string, Rule>>;
  readonly sensor: string;
  readonly interface: string;
}

/** Makes canonical alerts of a detector's records and details, and keeps which events are open. */
export class AlertComposer {
  readonly #origin: AlertOrigin;
  readonly #open = new Map<string, OpenEvent>();
  /** Events forgotten because {@link EVENTS_MAX} others were open: their next update opens a new one. */
  forgotten = 0;

  constructor(origin: AlertOrigin) {
    this.#origin = origin;
  }

  compose(record: EvidenceFlow, detail: AlertDetail | undefined, now: number): Alert {
    const { rules, detector, version, sensor, interface: link } = this.#origin;
    const rule = rules[detail?.rule ?? Object.keys(rules)[0] ?? ""];
    if (!rule) throw new Error(`${detector}: no rule ${detail?.rule}`);
    const lastTime = numberOf(record["TIME_LAST"]) ?? detail?.time ?? now;
    const key = `${detector}:${detail?.key ?? JSON.stringify(record)}`;
    const event = this.#event(key, numberOf(record["TIME_FIRST"]) ?? lastTime);
    const alert: Alert = {
      id: event.id,
      key,
      update: event.updates++,
      state: detail?.closed ? "closed" : "open",
      detector,
      version,
      rule: rule.id,
      title: rule.title,
      category: rule.category,
      severity: detail?.severity ?? rule.severity,
      confidence: detail?.confidence ?? rule.confidence,
      techniques: rule.techniques,
      detectTime: Math.max(detail?.time ?? lastTime, lastTime),
      firstTime: event.firstTime,
      lastTime,
      source: detail?.source ?? endpoint(record, "SRC"),
      target: detail?.target ?? endpoint(record, "DST"),
      reason: detail?.reason ?? rule.title,
      evidence: detail?.evidence?.slice(0, EVIDENCE_MAX) ?? [],
      sensor,
      interface: link,
      ...optional("protocol", numberOf(record["PROTOCOL"])),
      ...optional("flows", detail?.flows),
      ...optional("packets", detail?.packets),
      ...optional("bytes", detail?.bytes),
      ...optional("observed", detail?.observed),
      ...optional("threshold", detail?.threshold),
      ...optional("baseline", detail?.baseline),
    };
    if (alert.state === "closed") this.#open.delete(key);
    return alert;
  }

  #event(key: string, firstTime: number): OpenEvent {
    let event = this.#open.get(key);
    if (event) {
      this.#open.delete(key);
      event.firstTime = Math.min(event.firstTime, firstTime);
    } else {
      event = { id: Bun.randomUUIDv7(), updates: 0, firstTime };
      if (this.#open.size >= EVENTS_MAX) {
        this.#open.delete(this.#open.keys().next().value!);
        this.forgotten++;
      }
    }
    this.#open.set(key, event); // last in the map's order: most recently updated
    return event;
  }
}

const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" ? value : undefined;

const optional = <K extends string>(key: K, value: number | undefined): { [P in K]?: number } =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: number };

const endpoint = (record: EvidenceFlow, side: "SRC" | "DST"): Endpoint => ({
  ...(record[`${side}_IP`] === undefined ? {} : { ip: String(record[`${side}_IP`]) }),
  ...optional("port", numberOf(record[`${side}_PORT`])),
});

/** The record under a cursor as evidence. */
export const evidenceOf = (cursor: AnyReader, template: Template): EvidenceFlow =>
  plainRecord(cursor, template);
