// SPDX-License-Identifier: BSD-3-Clause
import type { AlertDetail } from "../../core/alert.ts";
import type { Evidence } from "../../core/state/evidence.ts";
import { HyperLogLog, ipHash } from "../../core/state/hyper-log-log.ts";
import type { Table } from "../../core/state/table.ts";
import { SECOND } from "../../core/unirec/time.ts";
import type { Ip } from "../../core/unirec/types.ts";
import { type Flow, type Setup, shown } from "./fields.ts";
import { isRefused, speaksOfSpam } from "./session.ts";

/** 2^8 registers: a standard error of 6.5 %, less up to some hundred. */
const SERVER_BITS = 8;
const SENDER_BITS = 6;
/** Senders of a host; a mailbox or a program has one, a family some. */
const SENDERS_MAX = 5;
/** Share of sessions with a refusal that is unusual. */
const REFUSED_SHARE = 0.3;
const EVIDENCE_SLOTS = 256;
/** A host that has taken mail within a day is a mail server. */
const RECEIVER_IDLE = 86_400 * SECOND;

/** What is known of each host that sends mail. */
function columnsOf(state: Setup["state"], rows: number) {
  return {
    start: state.column("start", "float64", rows),
    first: state.column("first", "float64", rows),
    last: state.column("last", "float64", rows),
    sessions: state.column("sessions", "uint32", rows),
    points: state.column("points", "float64", rows),
    mails: state.column("mails", "float64", rows),
    recipients: state.column("recipients", "float64", rows),
    refused: state.column("refused", "uint32", rows),
    /** Sessions in which the server spoke of spam. */
    spam: state.column("spam", "uint32", rows),
    /** Sessions at which it is worth a look; sessions in the last alert, 0 before it; its rule. */
    lookAt: state.column("lookAt", "uint32", rows),
    announced: state.column("announced", "uint32", rows),
    isRefusal: state.column("isRefusal", "uint8", rows),
    /** Whether it took mail itself, when it was last looked at. */
    takesMail: state.column("takesMail", "uint8", rows),
    evidenceOf: state.column("evidenceOf", "int32", rows),
  };
}

/** What a host looks like. */
interface Judgement {
  readonly servers: number;
  readonly senders: number;
  readonly confidence: number;
}

/** Judges hosts by the mail they send. */
export class Senders {
  readonly #settings: Setup["params"];
  readonly #out: Setup["out"];
  readonly #columns: ReturnType<typeof columnsOf>;
  readonly #servers: HyperLogLog;
  readonly #senders: HyperLogLog;
  readonly #evidence: Evidence;
  readonly #hosts: Table;
  readonly #receivers: Table;

  constructor({ params, out, state }: Setup) {
    const { hostsMax, idleTimeout } = params;
    const idle = idleTimeout * SECOND;
    this.#settings = params;
    this.#out = out;
    this.#columns = columnsOf(state, hostsMax);
    this.#servers = new HyperLogLog("servers", hostsMax, SERVER_BITS, state);
    this.#senders = new HyperLogLog("senders", hostsMax, SENDER_BITS, state);
    this.#evidence = state.evidence("evidence", EVIDENCE_SLOTS, shown);
    this.#receivers = state.table("receivers", {
      key: ["ip"],
      rows: hostsMax,
      idle: RECEIVER_IDLE,
    });
    this.#hosts = state.table("hosts", {
      key: ["ip"],
      rows: hostsMax,
      idle,
      onLeave: (row, why) => {
        const time = this.#hosts.touched(row) + (why === "idle" ? idle : 0);
        if (this.#columns.announced[row] !== 0) this.#announce(row, { closed: true, time });
      },
    });
  }

  expire(now: number): void {
    this.#hosts.expire(now);
    this.#receivers.expire(now);
  }

  /** A host has taken mail. */
  received(server: Ip, time: number): void {
    this.#receivers.upsertIp(server, time);
  }

  /** Count a session of a host with a server; `sender` is a hash of the first sender, 0 when there is none. */
  sent(client: Ip, server: Ip, flow: Flow, { points, sender }: Session): void {
    const { sessions, refused, spam, lookAt, mails, recipients, announced } = this.#columns;
    const row = this.#rowOf(client, flow);
    const flags = flow.SMTP_STAT_CODE_FLAGS;
    sessions[row] = sessions[row]! + 1;
    mails[row] = mails[row]! + flow.SMTP_MAIL_CMD_COUNT;
    recipients[row] = recipients[row]! + flow.SMTP_RCPT_CMD_COUNT;
    this.#columns.points[row] = this.#columns.points[row]! + points;
    if (isRefused(flags)) refused[row] = refused[row]! + 1;
    if (speaksOfSpam(flags)) spam[row] = spam[row]! + 1;
    const isNew = this.#servers.add(row, ipHash(server));
    if (sender !== 0) this.#senders.add(row, sender);
    if (isNew || points > 0) this.#keep(row, flow);
    if (sessions[row]! >= lookAt[row]! || (speaksOfSpam(flags) && announced[row] === 0))
      this.#judge(row);
  }

  #rowOf(client: Ip, flow: Flow): number {
    const { start, first, last, announced, evidenceOf } = this.#columns;
    const { TIME_FIRST, TIME_LAST } = flow;
    const row = this.#hosts.upsertIp(client, TIME_LAST);
    const isOver = TIME_LAST - start[row]! > this.#settings.window * SECOND;
    if (this.#hosts.isNew) {
      this.#countAnew(row, flow);
      last[row] = TIME_LAST;
      evidenceOf[row] = -1;
    } else if (isOver && announced[row] === 0) this.#countAnew(row, flow);
    if (TIME_FIRST < first[row]!) first[row] = TIME_FIRST;
    if (TIME_LAST > last[row]!) last[row] = TIME_LAST;
    return row;
  }

  #countAnew(row: number, { TIME_FIRST, TIME_LAST }: Flow): void {
    const { start, first, sessions, points, mails, recipients, refused, spam, lookAt, announced } =
      this.#columns;
    start[row] = TIME_LAST;
    first[row] = TIME_FIRST;
    for (const column of [sessions, points, mails, recipients, refused, spam, announced])
      column[row] = 0;
    this.#columns.takesMail[row] = 0;
    lookAt[row] = this.#settings.serversMin;
    this.#servers.clear(row);
    this.#senders.clear(row);
  }

  #keep(row: number, flow: Flow): void {
    const { evidenceOf } = this.#columns;
    if (evidenceOf[row] === -1) evidenceOf[row] = this.#evidence.take(row);
    this.#evidence.keep(evidenceOf[row]!, row, flow as never);
  }

  #judge(row: number): void {
    const { sessions, spam, lookAt, announced, isRefusal, takesMail } = this.#columns;
    const { serversMin, confidenceMin, spamMin } = this.#settings;
    takesMail[row] = this.#takesMail(row) ? 1 : 0;
    // Every eighth more: the judgement reads all registers.
    lookAt[row] = sessions[row]! + Math.max(1, sessions[row]! >>> 3);
    if (sessions[row]! < announced[row]! * 2) return;
    const { servers, confidence } = this.#judgement(row);
    const isSpread = servers >= serversMin && confidence >= confidenceMin;
    if (!isSpread && spam[row]! < spamMin) return;
    if (announced[row] === 0) isRefusal[row] = isSpread ? 0 : 1;
    this.#announce(row);
    lookAt[row] = sessions[row]! * 2;
  }

  /** Whether the host has taken mail within a day of its own last. */
  #takesMail(row: number): boolean {
    const receiver = this.#receivers.findIp(this.#hosts.ip(row, 0));
    if (receiver < 0) return false;
    return this.#columns.last[row]! - this.#receivers.touched(receiver) <= RECEIVER_IDLE;
  }

  /** As the original weighs, with what is unusual of a host that is no mail server. */
  #judgement(row: number): Judgement {
    const { sessions, points, refused } = this.#columns;
    const servers = this.#servers.estimate(row);
    const senders = this.#senders.estimate(row);
    const count = sessions[row]!;
    const takesMail = this.#columns.takesMail[row] !== 0;
    const weight =
      points[row]! / count +
      (takesMail ? 0 : Math.log(count)) +
      (servers >= this.#settings.serversMin ? 1 : -1) +
      (!takesMail && senders > SENDERS_MAX ? 1 : 0) +
      (refused[row]! / count > REFUSED_SHARE ? 1 : 0);
    return { servers, senders, confidence: 1 / (1 + Math.exp(-weight / 2)) };
  }

  #announce(row: number, closing: Pick<AlertDetail, "closed" | "time"> = {}): void {
    const {
      first,
      last,
      sessions,
      mails,
      recipients,
      refused,
      spam,
      announced,
      isRefusal,
      evidenceOf,
    } = this.#columns;
    const { serversMin, spamMin } = this.#settings;
    announced[row] = sessions[row]!;
    const source = this.#hosts.ip(row, 0);
    const { servers, senders, confidence } = this.#judgement(row);
    const isSpread = isRefusal[row] === 0;
    const told = `${source} sent mail in ${sessions[row]} sessions to about ${servers} servers`;
    const seconds = Math.ceil((last[row]! - first[row]!) / SECOND);
    this.#out.alerts.send(
      {
        SRC_IP: source,
        TIME_FIRST: first[row]!,
        TIME_LAST: last[row]!,
        SPAM_CONFIDENCE: confidence,
        SMTP_SESSIONS: sessions[row]!,
        SMTP_SERVERS: servers,
        SMTP_SENDERS: senders,
        SMTP_MAIL_CMD_COUNT: mails[row]!,
        SMTP_RCPT_CMD_COUNT: recipients[row]!,
        SMTP_REFUSED: refused[row]!,
      },
      {
        rule: isSpread ? "spam" : "refused",
        key: `${source}:${isSpread ? "spam" : "refused"}`,
        reason: isSpread
          ? `${told} (limit ${serversMin}) with about ${senders} senders in ${seconds} s; ${refused[row]} sessions were refused, in ${spam[row]} the server spoke of spam; confidence ${confidence.toFixed(2)}`
          : `${told} in ${seconds} s; in ${spam[row]} of them the server spoke of spam (limit ${spamMin})`,
        observed: isSpread ? servers : spam[row]!,
        threshold: isSpread ? serversMin : spamMin,
        ...(isSpread ? { confidence } : {}),
        source: { ip: String(source) },
        target: { port: 25, count: servers },
        flows: sessions[row]!,
        evidence: this.#evidence.flows(evidenceOf[row]!, row),
        ...closing,
      },
    );
  }

  /** The stream ends: say what has come since the last alerts. */
  end(): void {
    const { announced, sessions } = this.#columns;
    this.#hosts.forEach((row) => {
      if (announced[row] !== 0 && announced[row] !== sessions[row]) this.#announce(row);
    });
  }
}

/** What of a session is not in its flow's numbers. */
export interface Session {
  readonly points: number;
  readonly sender: number;
}
