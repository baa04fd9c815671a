// SPDX-License-Identifier: BSD-3-Clause
import { DomainMatcher, type Matcher } from "../../core/threat-list/matcher.ts";
import { Meeting, NamedContacts } from "../../core/threat-list/named-contacts.ts";
import { flowsText } from "../../core/threat-list/sightings.ts";
import { parseSources } from "../../core/threat-list/sources.ts";
import { ThreatLists } from "../../core/threat-list/threat-lists.ts";
import { SECOND } from "../../core/unirec/time.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import type { Hello } from "./hello.ts";
import { Ja4Matcher } from "./matchers.ts";

const DOT = ".";

/** Server names and fingerprints of threat lists: who used them. */
export class Listed {
  readonly #names: ThreatLists<DomainMatcher>;
  readonly #ja4: ThreatLists<Ja4Matcher>;
  readonly #contacts: NamedContacts;
  readonly #meeting = new Meeting();

  /** Throws ERR_PARAM. */
  constructor({ params, out, state, count, warn }: Setup) {
    const { flowsMin } = params;
    const lists = <M extends Matcher>(make: () => M, text: string): ThreatLists<M> =>
      new ThreatLists(make, parseSources(text, "tlsintel"), { module: "tlsintel", count, warn });
    this.#names = lists(() => new DomainMatcher(), params.lists);
    this.#ja4 = lists(() => new Ja4Matcher(), params.ja4Lists);
    this.#contacts = new NamedContacts(state, {
      rows: params.contactsMax,
      flowsMin,
      interval: params.updateInterval * SECOND,
      opensMax: params.opensMax,
      count,
      idle: params.idleTimeout * SECOND,
      flows: shown,
      announce: (row, detail) => {
        const text = this.#contacts.name(row);
        // A fingerprint has no dot, a listed name has one.
        const isName = text.includes(DOT);
        const { names, severity } = (isName ? this.#names : this.#ja4).describe(
          this.#contacts.lists(row),
        );
        const host = detail.source.ip;
        const what = isName ? `the server name ${text}` : `the fingerprint ${text}`;
        out.alerts.send(
          { ...this.#contacts.record(row), [isName ? "TLS_SNI" : "TLS_JA4"]: text },
          {
            ...detail,
            rule: isName ? "name" : "fingerprint",
            key: `${host}>${text}`,
            reason: `${host} used ${what} in TLS, which is on the list ${names}: ${flowsText(detail.flows)} (limit ${flowsMin})`,
            severity,
          },
        );
      },
    });
  }

  get isEmpty(): boolean {
    return this.#names.isEmpty && this.#ja4.isEmpty;
  }

  look(flow: Flow, hello: Hello): void {
    const { bytes, nameFrom, nameTo, ja4From, ja4To } = hello;
    if (!this.#names.isEmpty && nameTo > nameFrom) {
      const { names } = this.#names.matcher;
      const set = names.findDomain(bytes, nameFrom, nameTo);
      if (set !== 0) this.#meet(flow, this.#names.matcher, set, [nameTo - names.found, nameTo]);
    }
    if (this.#ja4.isEmpty) return;
    const { matcher } = this.#ja4;
    const set = matcher.names.find(bytes, ja4From, ja4To);
    if (set !== 0) this.#meet(flow, matcher, set, [ja4From, ja4To]);
  }

  /** Count a flow with what stands at a place of its batch. */
  #meet(flow: Flow, { sets }: Matcher, set: number, [from, to]: readonly [number, number]): void {
    const meeting = this.#meeting;
    sets.at(set, 0);
    meeting.client.set(flow.SRC_IP);
    meeting.server.set(flow.DST_IP);
    meeting.bytes = (flow as never as { batch: { bytes: Uint8Array } }).batch.bytes;
    meeting.from = from;
    meeting.to = to;
    meeting.low = sets.low;
    meeting.high = sets.high;
    meeting.packets = flow.PACKETS + flow.PACKETS_REV;
    meeting.octets = flow.BYTES + flow.BYTES_REV;
    meeting.first = flow.TIME_FIRST;
    meeting.last = flow.TIME_LAST;
    this.#contacts.count(meeting, flow as never);
  }

  expire(now: number): void {
    this.#contacts.expire(now);
  }

  lookAtFiles(now: number): void {
    this.#names.look(now);
    this.#ja4.look(now);
  }

  readAgain(): void {
    this.#names.readNow();
    this.#ja4.readNow();
  }

  end(): void {
    this.#contacts.end();
  }
}
