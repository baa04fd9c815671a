// SPDX-License-Identifier: BSD-3-Clause
import {
  type Field,
  insider,
  limits,
  moments,
  outsider,
  type Plan,
  Series,
  V6_CHANCE,
} from "./attack-plan.ts";
import { client, server } from "./dialogues.ts";
import type { Host, IpVersion } from "./host.ts";
import type { PayloadArena } from "./payload.ts";
import type { Random } from "./rng.ts";
import type { Stage } from "./stage.ts";
import { type Dialogue, TcpSession } from "./tcp-session.ts";
import type { Mining, PasswordGuessing, WebAttack } from "./truth.ts";

const MILLISECOND = 1000;
const NOISE = 1400;
const PORT_SSH = 22;
const PORT_HTTP = 80;
/** What pools are usually asked at. */
const PORTS_POOL = [3333, 4444, 5555, 7777, 14_444] as const;
/** Seconds of mining; a pool that is lost is called again. */
const MINING_SECONDS = 3;

/** SQL in a parameter, in the percent encoding of URLs, as tools and hands write it. */
const INJECTIONS = [
  "1%27%20OR%20%271%27=%271",
  "1%20UNION%20SELECT%20username,password%20FROM%20users--",
  "-1%27%20UNION%20ALL%20SELECT%20NULL,NULL,@@version--%20-",
  "1%27%20AND%20SLEEP(5)--%20-",
  "1;%20DROP%20TABLE%20orders--",
  "1%27%20AND%20(SELECT%20COUNT(*)%20FROM%20information_schema.tables)%3E0--%20-",
];

const POOL = [
  '> {"id":1,"method":"mining.subscribe","params":["miner/6.21.0"]}',
  '< {"id":1,"result":[[["mining.notify","ae6812eb4cd7735a"]],"08000002",4],"error":null}',
  '> {"id":2,"method":"mining.authorize","params":["rig.1","x"]}',
  '< {"id":2,"result":true,"error":null}',
  '< {"id":null,"method":"mining.set_difficulty","params":[16]}',
];
const SHARE = [
  '> {"id":4,"method":"mining.submit","params":["rig.1","bf","00000001","504e86ed","b2957c02"]}',
  '< {"id":4,"result":true,"error":null}',
];

/** What is said in attacks over TCP, written once, however many of them come. */
export class Script {
  readonly guess: Dialogue;
  readonly injections: readonly Dialogue[];
  readonly mining: Dialogue;
  readonly #arena: PayloadArena;

  constructor(arena: PayloadArena, random: Random) {
    this.#arena = arena;
    this.guess = this.#guess(random);
    this.injections = INJECTIONS.map((sql, i) => this.#injection(sql, i % 3 === 0));
    const shares = Array.from({ length: MINING_SECONDS * 2 }, () => SHARE).flat();
    this.mining = this.#lines([...POOL, ...shares], 450 * MILLISECOND);
  }

  /** Banners, keys, and three passwords that are refused (RFC 4252 section 8). */
  #guess(random: Random): Dialogue {
    const noise = this.#arena.add(random.bytes(NOISE));
    const said = (size: number, wait = 0) => client({ block: noise, size, wait });
    const answered = (size: number, wait = 0) => server({ block: noise, size, wait });
    const turns = [
      server({ block: this.#arena.addText("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), wait: 3000 }),
      client({ block: this.#arena.addText("SSH-2.0-libssh2_1.11.0\r\n") }),
      ...[
        answered(1080),
        said(900),
        said(48),
        answered(452, 4000),
        said(16),
        said(52),
        answered(52),
      ],
      ...[68, 148, 148].flatMap((size) => [said(size), answered(52, 300 * MILLISECOND)]),
    ];
    return { turns, end: "client-fin" };
  }

  #injection(sql: string, fails: boolean): Dialogue {
    const head = `GET /shop/item.php?id=${sql} HTTP/1.1\r\nHost: shop.example\r\n`;
    const status = fails ? "500 Internal Server Error" : "200 OK";
    const answer = `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<html/>\r\n`;
    const turns = [
      client({
        block: this.#arena.addText(`${head}User-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n`),
      }),
      server({ block: this.#arena.addText(answer), wait: 20 * MILLISECOND }),
    ];
    return { turns, end: "client-fin" };
  }

  #lines(lines: readonly string[], wait: number): Dialogue {
    const turns = lines.map((line) => {
      const block = this.#arena.addText(`${line.slice(2)}\n`);
      return line.startsWith(">") ? client({ block, wait }) : server({ block });
    });
    return { turns, end: "server-fin" };
  }
}

interface Sessions {
  readonly times: readonly number[];
  readonly from: Host;
  readonly to: Host;
  readonly port: number;
  readonly version: IpVersion;
  readonly dialogues: readonly Dialogue[];
}

const sessions =
  ({ office }: Field, { times, from, to, port, version, dialogues }: Sessions) =>
  (stage: Stage): void => {
    const begin = (now: number, i: number): void => {
      const session = new TcpSession(stage, {
        route: office.route(from, to, version),
        sourcePort: from.nextPort(),
        targetPort: port,
        outcome: "open",
        dialogue: dialogues[i % dialogues.length]!,
        sequence: stage.random.word(),
      });
      stage.calendar.enter(now, session);
    };
    stage.calendar.enter(times[0]!, new Series(times, begin));
  };

/** Passwords tried at an SSH server, from outside or by a machine of the office. */
export function planGuessing(field: Field, { guess }: Script): Plan<PasswordGuessing> {
  const { office, random, span } = field;
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const from = random.chance(0.5) ? insider(field) : outsider(field, random.between(101, 150));
  const to = random.pick([office.files, office.ftp, office.web]);
  const count = random.between(60, 160);
  const times = moments(random, span, { count, seconds: random.between(15, 30) });
  const truth: PasswordGuessing = {
    kind: "password-guessing",
    attacker: from.text(version),
    victim: to.text(version),
    attempts: count,
    ...limits(times),
  };
  const plan = { times, from, to, port: PORT_SSH, version, dialogues: [guess] } as const;
  return { truth, enter: sessions(field, plan) };
}

/** SQL tried at the web server, from outside. */
export function planWebAttack(field: Field, { injections }: Script): Plan<WebAttack> {
  const { office, random, span } = field;
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const from = outsider(field, random.between(151, 200));
  const count = random.between(20, 60);
  const times = moments(random, span, { count, seconds: random.between(8, 25) });
  const truth: WebAttack = {
    kind: "web-attack",
    attacker: from.text(version),
    victim: office.web.text(version),
    requests: count,
    ...limits(times),
  };
  const to = office.web;
  const plan = { times, from, to, port: PORT_HTTP, version, dialogues: injections } as const;
  return { truth, enter: sessions(field, plan) };
}

/** A machine of the office that mines: some short sessions with a pool, in the clear. */
export function planMining(field: Field, { mining }: Script): Plan<Mining> {
  const { random, span } = field;
  const version = random.chance(V6_CHANCE) ? 6 : 4;
  const from = insider(field);
  const to = outsider(field, random.between(201, 250));
  const port = random.pick(PORTS_POOL);
  const times = moments(random, span, { count: 3, seconds: 15 });
  const truth: Mining = {
    kind: "mining",
    attacker: from.text(version),
    pool: to.text(version),
    port,
    ...limits(times),
  };
  return { truth, enter: sessions(field, { times, from, to, port, version, dialogues: [mining] }) };
}
