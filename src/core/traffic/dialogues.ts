// SPDX-License-Identifier: BSD-3-Clause
import { type Block, type PayloadArena, SEGMENT_SIZE_MAX } from "./payload.ts";
import type { Random } from "./rng.ts";
import type { Dialogue, Turn } from "./tcp-session.ts";
import { applicationData, clientFinished, clientHello, serverHello } from "./tls-hello.ts";

/** What a turn is made from; `size` defaults to that of the block, `wait` to none. */
export interface Speech {
  readonly block: Block;
  readonly size?: number;
  readonly wait?: number;
}

const MILLISECOND = 1000;
const KILOBYTE = 1024;

export const client = ({ block, size = block.size, wait = 0 }: Speech): Turn => ({
  fromClient: true,
  block,
  size,
  wait,
});
export const server = ({ block, size = block.size, wait = 0 }: Speech): Turn => ({
  fromClient: false,
  block,
  size,
  wait,
});

/** Writes the payloads of an office's services once and makes dialogues of them. */
export class DialogueBook {
  readonly #arena: PayloadArena;
  readonly #random: Random;
  /** Text, noise, and encrypted records: each the longest segment. */
  readonly #text: Block;
  readonly #noise: Block;
  readonly #encrypted: Block;
  readonly #serverHello: Block;
  readonly #clientFinished: Block;

  constructor(arena: PayloadArena, random: Random) {
    this.#arena = arena;
    this.#random = random;
    this.#text = arena.addText(
      "Nothing to see here, move along.\n".repeat(45).slice(0, SEGMENT_SIZE_MAX),
    );
    this.#noise = arena.add(random.bytes(SEGMENT_SIZE_MAX));
    this.#encrypted = arena.add(applicationData(random, SEGMENT_SIZE_MAX), true);
    this.#serverHello = arena.add(serverHello(random));
    this.#clientFinished = arena.add(clientFinished(random));
  }

  /** A few pages over TLS from the server of this name. */
  https(serverName: string): Dialogue {
    const random = this.#random;
    const turns = [
      client({ block: this.#arena.add(clientHello(random, serverName)) }),
      server({ block: this.#serverHello, wait: 2 * MILLISECOND }),
      server({ block: this.#encrypted, size: random.between(900, 2600) }),
      client({ block: this.#clientFinished, wait: MILLISECOND }),
    ];
    for (let page = random.between(1, 3); page > 0; page--) {
      const wait = random.between(5, 900) * MILLISECOND;
      turns.push(
        client({ block: this.#encrypted, size: random.between(300, 1100), wait }),
        server({ block: this.#encrypted, size: this.#size(18 * KILOBYTE), wait: this.#think() }),
      );
    }
    return { turns, end: random.chance(0.15) ? "client-reset" : "client-fin" };
  }

  /** A few objects in clear text (RFC 9112). */
  http(serverName: string): Dialogue {
    const random = this.#random;
    const turns: Turn[] = [];
    for (let object = random.between(1, 4); object > 0; object--) {
      const size = this.#size(12 * KILOBYTE);
      const head = `GET /page-${object}.html HTTP/1.1\r\nHost: ${serverName}\r\n`;
      const request = `${head}User-Agent: Mozilla/5.0\r\nAccept: */*\r\n\r\n`;
      const response = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\n\r\n`;
      turns.push(
        client({ block: this.#arena.addText(request), wait: random.between(1, 400) * MILLISECOND }),
        server({ block: this.#arena.addText(response), wait: this.#think() }),
        server({ block: this.#text, size }),
      );
    }
    return { turns, end: random.chance(0.5) ? "server-fin" : "client-fin" };
  }

  /** A client and a file server or database: many short questions, longer answers. */
  transactions(count: number, answerMean: number): Dialogue {
    const random = this.#random;
    const turns: Turn[] = [];
    for (let i = 0; i < count; i++) {
      turns.push(
        client({ block: this.#noise, size: random.between(60, 320), wait: this.#think() }),
        server({ block: this.#noise, size: this.#size(answerMean), wait: MILLISECOND }),
      );
    }
    return { turns, end: "client-fin" };
  }

  /** An interactive shell: banners, then keys and their echo (RFC 4253 section 4.2). */
  ssh(): Dialogue {
    const turns = [
      server({
        block: this.#arena.addText("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
        wait: 8 * MILLISECOND,
      }),
      client({ block: this.#arena.addText("SSH-2.0-OpenSSH_9.6\r\n") }),
    ];
    for (let key = this.#random.between(20, 60); key > 0; key--) {
      const wait = this.#random.between(40, 600) * MILLISECOND;
      turns.push(
        client({ block: this.#noise, size: 36, wait }),
        server({ block: this.#noise, size: 36 }),
      );
    }
    return { turns, end: "client-fin" };
  }

  /** One long copy to the server, as a backup or a mail with an attachment makes. */
  upload(size: number): Dialogue {
    const turns = [
      client({ block: this.#noise, size }),
      server({ block: this.#noise, size: 48, wait: MILLISECOND }),
    ];
    return { turns, end: "client-fin" };
  }

  /** The data connection of a passive FTP transfer: the server sends and closes (RFC 959 section 3.2). */
  ftpData(): Dialogue {
    const size = this.#size(4 * KILOBYTE);
    return { turns: [server({ block: this.#text, size, wait: MILLISECOND })], end: "server-fin" };
  }

  /** A monitoring check: connect, greeting, away. */
  check(): Dialogue {
    const turns = [server({ block: this.#arena.addText("220 ready\r\n"), wait: MILLISECOND })];
    return { turns, end: "client-fin" };
  }

  /** BitTorrent's handshake and some pieces (BEP 3). */
  torrent(): Dialogue {
    const handshake = [
      19,
      ...new TextEncoder().encode("BitTorrent protocol"),
      ...this.#random.bytes(48),
    ];
    const block = this.#arena.add(handshake);
    const turns = [
      client({ block }),
      server({ block, wait: 20 * MILLISECOND }),
      client({ block: this.#noise, size: 17, wait: 100 * MILLISECOND }),
      server({ block: this.#noise, size: this.#size(24 * KILOBYTE), wait: 60 * MILLISECOND }),
    ];
    return { turns, end: this.#random.chance(0.4) ? "client-reset" : "server-fin" };
  }

  #think(): number {
    return 500 + this.#random.exponential(12 * MILLISECOND);
  }

  /** Many are small, some large: 64 bytes and an exponential size with this mean. */
  #size(mean: number): number {
    return 64 + (this.#random.exponential(mean) | 0);
  }
}
