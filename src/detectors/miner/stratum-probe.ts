// SPDX-License-Identifier: BSD-3-Clause
import { libc } from "../../core/net/libc.ts";
import { connect, resolve } from "../../core/net/sockets.ts";
import { AGAIN, SocketStream } from "../../core/net/stream.ts";

interface Dialect {
  readonly request: Uint8Array;
  /** What an answer has, in this order, without its spaces. */
  readonly answer: readonly string[];
}

const NOBODY = `0x${"0".repeat(40)}`;
const DIALECTS: readonly Dialect[] = [
  dialect({ method: "mining.subscribe", params: [] }, ['"mining.notify"']),
  dialect({ method: "login", params: { login: "x", pass: "x", agent: "nemean" } }, [
    '"blob"',
    '"job_id"',
    '"target"',
  ]),
  dialect({ method: "eth_submitLogin", params: [NOBODY] }, ['"result":true']),
  // ZIP 301: program, session to take up again, host and port.
  dialect({ method: "mining.subscribe", params: ["nemean", null, "localhost", 0] }, [
    '"mining.set_target"',
  ]),
];

function dialect(request: object, answer: readonly string[]): Dialect {
  const text = Buffer.from(`${JSON.stringify({ id: 1, jsonrpc: "2.0", ...request })}\n`);
  const bytes = new Uint8Array(new ArrayBuffer(text.length));
  bytes.set(text);
  return { request: bytes, answer };
}

/** Bytes of an answer that are read, and in how many pieces: a server that drips must not hold us. */
const ANSWER_MAX = 2048;
const READS_MAX = 16;

export type Verdict = "pending" | "pool" | "other";

/** Asks a server whether it is a mining pool: a connection for each dialect of Stratum, one after the other. */
export class StratumProbe {
  readonly host: string;
  readonly port: number;
  readonly #answer = new Uint8Array(new ArrayBuffer(ANSWER_MAX));
  #dialect = 0;
  #stream: SocketStream | undefined;
  #sent = 0;
  #read = 0;
  #reads = 0;

  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
  }

  /** Go on as far as it can be done without waiting. */
  step(): Verdict {
    while (this.#dialect < DIALECTS.length) {
      const { request, answer } = DIALECTS[this.#dialect]!;
      if (!this.#connected() || !this.#asked(request)) {
        if (this.#stream) return "pending";
        this.skip();
        continue;
      }
      const taken = this.#stream!.read(this.#answer, this.#read, ANSWER_MAX);
      if (taken === AGAIN) return "pending";
      if (taken > 0) this.#read += taken;
      if (this.#matches(answer)) return "pool";
      if (taken <= 0 || this.#read === ANSWER_MAX || ++this.#reads === READS_MAX) this.skip();
    }
    return "other";
  }

  /** Whether there is a connection, or one that is being made. */
  #connected(): boolean {
    if (this.#stream) return true;
    try {
      const fd = connect(resolve(this.host, String(this.port))[0]!);
      if (fd >= 0) this.#stream = new SocketStream(fd);
    } catch {
      // No descriptor is left, or no such family: as good as no answer.
    }
    return this.#stream !== undefined;
  }

  /** Whether the request is out; until the connection is made the kernel takes nothing. */
  #asked(request: Uint8Array): boolean {
    if (this.#sent === request.length) return true;
    const taken = this.#stream!.write(request, this.#sent, request.length);
    if (taken > 0) this.#sent += taken;
    else if (taken !== AGAIN) this.#close();
    return this.#sent === request.length;
  }

  #matches(words: readonly string[]): boolean {
    const text = Buffer.from(this.#answer.buffer, 0, this.#read)
      .toString("latin1")
      .replaceAll(" ", "");
    let at = 0;
    return words.every((word) => {
      at = text.indexOf(word, at);
      return at >= 0;
    });
  }

  /** No answer in this dialect: try the next one. */
  skip(): void {
    this.#close();
    this.#dialect++;
    this.#sent = this.#read = this.#reads = 0;
  }

  /** Block until it is decided. Compat mode only: the original's thread waits so. */
  wait(connectMs: number, readMs: number): Verdict {
    for (;;) {
      const verdict = this.step();
      if (verdict !== "pending") {
        this.#close();
        return verdict;
      }
      const { fd, wants } = this.#stream!;
      if (!isReady(fd, wants, this.#sent === 0 ? connectMs : readMs)) this.skip();
    }
  }

  #close(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  /** Let go of what is open. */
  close(): void {
    this.#close();
    this.#dialect = DIALECTS.length;
  }
}

/** Wait for events of a descriptor: struct pollfd is the descriptor, events, and those that came. */
function isReady(fd: number, events: number, ms: number): boolean {
  const words = new Int32Array(new ArrayBuffer(8));
  words[0] = fd;
  words[1] = events;
  return libc().poll(words, 1n, ms) > 0;
}
