// SPDX-License-Identifier: BSD-3-Clause
import type { Background } from "./background.ts";
import { DialogueBook } from "./dialogues.ts";
import type { Host } from "./host.ts";
import type { Office } from "./office.ts";
import { Arrivals, type Stage } from "./stage.ts";
import { type Dialogue, type Outcome, TcpSession } from "./tcp-session.ts";

const SECOND = 1_000_000;
/** Dialogues of a kind that sessions choose from. */
const VARIANTS = 24;
const V6_CHANCE = 0.25;

/** One session to begin. */
interface Plan {
  readonly client: Host;
  readonly server: Host;
  readonly port: number;
  readonly dialogue?: Dialogue;
  readonly outcome?: Outcome;
  readonly retries?: number;
}

type Task = [meanSeconds: number, begin: (now: number) => void];

/**
 * The TCP sessions of an office. Much of it tempts a scan detector: a crawler that opens hundreds of
 * connections, FTP's ever new ports, a monitoring host, dead peers and servers tried again and again.
 * None of it is a scan: what stays unanswered has fewer than 50 targets, however long it lasts.
 */
export class People {
  readonly #stage: Stage;
  readonly #office: Office;
  readonly #background: Background;
  readonly #https: readonly Dialogue[];
  readonly #http: readonly Dialogue[];
  readonly #files: readonly Dialogue[];
  readonly #queries: readonly Dialogue[];
  readonly #shells: readonly Dialogue[];
  readonly #mails: readonly Dialogue[];
  readonly #downloads: readonly Dialogue[];
  readonly #pieces: readonly Dialogue[];
  readonly #backup: Dialogue;
  readonly #check: Dialogue;

  constructor(stage: Stage, office: Office, background: Background) {
    this.#stage = stage;
    this.#office = office;
    this.#background = background;
    const { random } = stage;
    const book = new DialogueBook(stage.writer.payloads, random);
    const variants = (make: () => Dialogue): Dialogue[] => Array.from({ length: VARIANTS }, make);
    this.#https = office.sites.map((site) => book.https(site.name));
    this.#http = office.sites.slice(0, VARIANTS).map((site) => book.http(site.name));
    this.#files = variants(() => book.transactions(random.between(8, 30), 2500));
    this.#queries = variants(() => book.transactions(random.between(2, 8), 600));
    this.#shells = variants(() => book.ssh());
    this.#mails = variants(() => book.upload(random.between(2000, 60_000)));
    this.#downloads = variants(() => book.ftpData());
    this.#pieces = variants(() => book.torrent());
    this.#backup = book.upload(2_000_000);
    this.#check = book.check();
  }

  /** Enter everybody, `scale` times as busy as in a plain office. */
  enter(start: number, scale: number): void {
    const crowd = scale * (this.#office.clients.length / 60);
    for (const [seconds, begin] of this.#everybody()) {
      this.#stage.calendar.enter(
        start,
        new Arrivals(this.#stage, (seconds * SECOND) / crowd, begin),
      );
    }
    for (const [seconds, begin] of this.#machines()) {
      this.#stage.calendar.enter(
        start,
        new Arrivals(this.#stage, (seconds * SECOND) / scale, begin),
      );
    }
  }

  /** What any of the clients does now and then. */
  #everybody(): Task[] {
    const { files, mail, database } = this.#office;
    const pick = <T>(items: readonly T[]): T => this.#stage.random.pick(items);
    const anyone = (): Host => pick(this.#office.clients);
    return [
      [0.09, (now) => this.#browse(now, anyone())],
      [
        0.4,
        (now) =>
          this.#tcp(now, {
            client: anyone(),
            server: files,
            port: 445,
            dialogue: pick(this.#files),
          }),
      ],
      [
        0.3,
        (now) =>
          this.#tcp(now, {
            client: anyone(),
            server: database,
            port: 5432,
            dialogue: pick(this.#queries),
          }),
      ],
      [
        2,
        (now) =>
          this.#tcp(now, {
            client: anyone(),
            server: mail,
            port: 587,
            dialogue: pick(this.#mails),
          }),
      ],
      [
        2.5,
        (now) =>
          this.#tcp(now, {
            client: anyone(),
            server: files,
            port: 22,
            dialogue: pick(this.#shells),
          }),
      ],
    ];
  }

  /** Single hosts with a habit. */
  #machines(): Task[] {
    const { clients, web, ftp, backup, gone, printer, peers, deadPeers, database } = this.#office;
    const pick = <T>(items: readonly T[]): T => this.#stage.random.pick(items);
    const torrent = clients[0]!;
    const crawler = clients[1]!;
    const lost = clients[2]!;
    return [
      [0.3, (now) => this.#browse(now, crawler)],
      [3, (now) => this.#poll(now)],
      [
        25,
        (now) =>
          this.#tcp(now, { client: database, server: backup, port: 873, dialogue: this.#backup }),
      ],
      [0.6, (now) => this.#ftpTransfer(now, clients[3]!, ftp)],
      [
        1.2,
        (now) =>
          this.#tcp(now, {
            client: torrent,
            server: pick(peers),
            port: 6881,
            dialogue: pick(this.#pieces),
          }),
      ],
      [
        0.9,
        (now) =>
          this.#tcp(now, {
            client: torrent,
            server: pick(deadPeers),
            port: 6881,
            outcome: "silent",
            retries: 2,
          }),
      ],
      [
        4,
        (now) =>
          this.#tcp(now, { client: lost, server: gone, port: 5432, outcome: "silent", retries: 3 }),
      ],
      [
        6,
        (now) =>
          this.#tcp(now, {
            client: pick(clients),
            server: printer,
            port: 9100,
            outcome: "refused",
          }),
      ],
      [
        3,
        (now) =>
          this.#tcp(now, {
            client: pick(clients),
            server: web,
            port: pick([81, 8000, 8081, 8443]),
            outcome: "refused",
          }),
      ],
    ];
  }

  /** A name, then one to three connections to the site, most of them TLS. */
  #browse(now: number, client: Host): void {
    const { random } = this.#stage;
    const index = random.below(this.#office.sites.length);
    const site = this.#office.sites[index]!;
    const secure = index >= this.#http.length || random.chance(0.5);
    this.#background.lookUp(now, client, site, random.chance(V6_CHANCE) ? 6 : 4);
    let time = now + random.between(8000, 40_000);
    for (let connection = random.between(1, 2); connection > 0; connection--) {
      const dialogue = secure ? this.#https[index]! : this.#http[index]!;
      const plan: Plan = { client, server: site.host, port: secure ? 443 : 80, dialogue };
      this.#tcp(time, plan);
      time += random.between(300, 60_000);
    }
  }

  /** The monitoring host asks some ports of one host after the other; all answer or refuse. */
  #poll(now: number): void {
    const { random } = this.#stage;
    const server = random.pick(this.#office.monitored);
    let time = now;
    for (const port of [22, 80, 443, 9100]) {
      const refused = port === 9100 && random.chance(0.5);
      const plan: Plan = {
        client: this.#office.monitor,
        server,
        port,
        dialogue: this.#check,
        outcome: refused ? "refused" : "open",
      };
      this.#tcp(time, plan);
      time += random.between(2000, 30_000);
    }
  }

  /** Each transfer has a data connection to another port of the server: many ports, all open. */
  #ftpTransfer(now: number, client: Host, server: Host): void {
    const { random } = this.#stage;
    this.#tcp(now, {
      client,
      server,
      port: random.between(30_000, 60_000),
      dialogue: random.pick(this.#downloads),
    });
  }

  /** A session that begins at the time, now or later. */
  #tcp(time: number, plan: Plan): void {
    const { random, calendar } = this.#stage;
    const { client, server, port, outcome = "open", ...rest } = plan;
    const session = new TcpSession(this.#stage, {
      ...rest,
      route: this.#office.route(client, server, random.chance(V6_CHANCE) ? 6 : 4),
      sourcePort: client.nextPort(),
      targetPort: port,
      outcome,
      sequence: random.word(),
    });
    calendar.enter(time, session);
  }
}
