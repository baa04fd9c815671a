// SPDX-License-Identifier: BSD-3-Clause
import { client, server } from "../dialogues.ts";
import { type Block, type PayloadArena, SEGMENT_SIZE_MAX } from "../payload.ts";
import type { Random } from "../rng.ts";
import type { Dialogue, Turn } from "../tcp-session.ts";
import { applicationData, clientFinished, serverHello } from "../tls-hello.ts";
import { hello, type StackName } from "./hellos.ts";

const MILLISECOND = 1000;
/** Bytes of a hello that fit into one segment, on IPv6 too, and those that a longer one has in its second. */
const HEAD_MAX = 1400;
const TAIL = 1200;
/** Dialogues of one kind that sessions choose from. */
const VARIANTS = 16;

/** Something that is asked and answered behind the handshake: bytes of both, and microseconds before. */
export interface Exchange {
  readonly ask: number;
  readonly answer: number;
  readonly wait: number;
}

/** Payloads of the office's services, written once, and the dialogues that are made of them. */
export class Phrases {
  readonly #arena: PayloadArena;
  readonly #random: Random;
  readonly #noise: Block;
  readonly #encrypted: Block;
  readonly #serverHello: Block;
  readonly #finished: Block;
  readonly #hellos = new Map<string, readonly Turn[]>();
  readonly #tails = new Map<StackName, Turn>();

  constructor(arena: PayloadArena, random: Random) {
    this.#arena = arena;
    this.#random = random;
    this.#noise = arena.add(random.bytes(SEGMENT_SIZE_MAX));
    this.#encrypted = arena.add(applicationData(random, SEGMENT_SIZE_MAX), true);
    this.#serverHello = arena.add(serverHello(random));
    this.#finished = arena.add(clientFinished(random));
  }

  /** TLS to a name with a client of this kind, and what is exchanged in it. */
  tls(stack: StackName, name: string, exchanges: readonly Exchange[]): Dialogue {
    const turns: Turn[] = [
      ...this.#hello(stack, name),
      server({ block: this.#serverHello, wait: 2 * MILLISECOND }),
      server({ block: this.#encrypted, size: this.#random.between(900, 2600) }),
      client({ block: this.#finished, wait: MILLISECOND }),
      ...exchanges.flatMap(({ ask, answer, wait }) => [
        client({ block: this.#encrypted, size: ask, wait }),
        server({ block: this.#encrypted, size: answer, wait: this.#think() }),
      ]),
    ];
    return { turns, end: this.#random.chance(0.1) ? "client-reset" : "client-fin" };
  }

  /** A protocol in plain text: lines of the server, marked by `<`, and of the client, by `>`. */
  lines(...lines: readonly `${"<" | ">"} ${string}`[]): Dialogue {
    const turns = lines.map((line) => {
      const speech = { block: this.#arena.addText(`${line.slice(2)}\r\n`), wait: this.#think() };
      return line.startsWith("<") ? server(speech) : client(speech);
    });
    return { turns, end: "client-fin" };
  }

  /** Plain HTTP: a request of these lines, and so many bytes back. */
  http(request: readonly string[], size: number): Dialogue {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${size}\r\n\r\n`;
    const turns = [
      client({ block: this.#arena.addText(`${request.join("\r\n")}\r\n\r\n`) }),
      server({ block: this.#arena.addText(head), wait: this.#think() }),
      server({ block: this.#noise, size }),
    ];
    return { turns, end: this.#random.chance(0.5) ? "server-fin" : "client-fin" };
  }

  /** A protocol in bytes: what opens it, and exchanges of noise behind that. */
  binary(first: readonly number[], exchanges: readonly Exchange[]): Dialogue {
    const opening = client({ block: this.#arena.add(first) });
    const turns = exchanges.flatMap(({ ask, answer, wait }, i) => [
      i === 0 ? opening : client({ block: this.#noise, size: ask, wait }),
      server({ block: this.#noise, size: answer, wait: this.#think() }),
    ]);
    return { turns, end: "client-fin" };
  }

  /** A greeting, one long copy to the server, and what that says to it. */
  upload(greeting: `> ${string}`, size: number): Dialogue {
    const { turns, end } = this.lines("< ready", greeting, "< go on");
    const copy = client({ block: this.#noise, size, wait: MILLISECOND });
    return { turns: [...turns, copy, server({ block: this.#noise, size: 48 })], end };
  }

  /** A banner of the server, one of the client, and exchanges of noise. */
  ssh(exchanges: readonly Exchange[]): Dialogue {
    const turns = [
      server({ block: this.#arena.addText("SSH-2.0-OpenSSH_9.6\r\n"), wait: 8 * MILLISECOND }),
      client({ block: this.#arena.addText("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n") }),
      ...exchanges.flatMap(({ ask, answer, wait }) => [
        client({ block: this.#noise, size: ask, wait }),
        server({ block: this.#noise, size: answer, wait: this.#think() }),
      ]),
    ];
    return { turns, end: "client-fin" };
  }

  /** Ever the same exchange, with so many microseconds between: a connection that is kept. */
  kept(count: number, exchange: Exchange): Exchange[] {
    return Array.from({ length: count }, () => exchange);
  }

  /** Some exchanges, each as a person with a browser or a program makes them. */
  exchanges(count: number, answerMean: number, waitMost: number): Exchange[] {
    return Array.from({ length: count }, () => ({
      ask: this.#random.between(200, 900),
      answer: 64 + this.#random.exponential(answerMean),
      wait: this.#random.between(2, waitMost) * MILLISECOND,
    }));
  }

  /** Several of a kind. */
  variants(make: (i: number) => Dialogue, count = VARIANTS): Dialogue[] {
    return Array.from({ length: count }, (_, i) => make(i));
  }

  /** The segments of a hello. Each kind of client says the same to a name each time, and has the same keys, which come last. */
  #hello(stack: StackName, name: string): readonly Turn[] {
    const key = `${stack} ${name}`;
    let turns = this.#hellos.get(key);
    if (turns === undefined) {
      const bytes = hello(this.#random, stack, name);
      turns = bytes.length > HEAD_MAX ? this.#twoSegments(stack, bytes) : [this.#say(bytes)];
      this.#hellos.set(key, turns);
    }
    return turns;
  }

  #twoSegments(stack: StackName, bytes: number[]): Turn[] {
    let tail = this.#tails.get(stack);
    if (tail === undefined) {
      tail = this.#say(bytes.slice(-TAIL));
      this.#tails.set(stack, tail);
    }
    return [this.#say(bytes.slice(0, -TAIL)), tail];
  }

  #say(bytes: readonly number[]): Turn {
    return client({ block: this.#arena.add(bytes) });
  }

  #think(): number {
    return 500 + this.#random.exponential(10 * MILLISECOND);
  }
}
