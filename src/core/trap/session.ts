// SPDX-License-Identifier: BSD-3-Clause
import { EXIT, messageOf, NemeanError } from "../errors.ts";
import type { ByteStream } from "../net/stream.ts";
import type { Receiver } from "../port.ts";
import { sameLayout, type Template } from "../unirec/template.ts";
import { ContainerReader, readSequence, SOCKET_HEADER } from "./container.ts";
import { decodeHello, HELLO_HEAD, SPECIFIER_MAX } from "./hello.ts";

/** Two containers and a half of what senders usually fill; grown for larger ones. */
const BUFFER = 256 << 10;

/**
 * How a connection stands after what was read: it goes on; the sender does not know its format yet; the stream has
 * ended; the sender broke the protocol; its records cannot be read.
 */
export type SessionState =
  | { readonly kind: "open" | "later" | "ended" }
  | { readonly kind: "broken"; readonly why: string }
  | { readonly kind: "refused"; readonly error: NemeanError };

const OPEN: SessionState = { kind: "open" };

/**
 * What senders say on the connections of one input, one after the other: a hello, then containers (trap.md
 * sections 3, 4). Bytes are read into one buffer and delivered in place.
 */
export class Session {
  readonly #receiver: Receiver;
  readonly #containerMax: number;
  readonly #containers: ContainerReader;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  /** What was read and not taken yet lies between. */
  #from = 0;
  #to = 0;
  #greeted = false;
  #layout: Template | undefined;
  /** Number of the next message, after the first container of a connection. */
  #expected = -1;
  #broken = 0;
  /** Messages that the senders' numbers say were missed. */
  missed = 0;

  /** @param containerMax most bytes of a container that is taken */
  constructor(receiver: Receiver, containerMax: number) {
    this.#receiver = receiver;
    this.#containerMax = containerMax;
    this.#containers = new ContainerReader(receiver);
    this.#reserve(BUFFER);
  }

  get messages(): number {
    return this.#containers.messages;
  }

  get buffers(): number {
    return this.#containers.buffers;
  }

  /** Connections that broke the protocol, and containers of which a part was left out. */
  get malformed(): number {
    return this.#broken + this.#containers.malformed;
  }

  /** Whether the sender has said what it sends. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** Another connection begins. */
  begin(): void {
    this.#greeted = false;
    this.#expected = -1;
    this.#from = 0;
    this.#to = 0;
  }

  /** The connection is over. A container that was cut off counts as malformed. */
  cut(): void {
    if (this.#greeted && this.#to > this.#from) this.#broken++;
    this.begin();
  }

  /** Read from a stream what there is room for; returns what {@link ByteStream.read} does. */
  read(stream: ByteStream): number {
    if (this.#to === this.#bytes.length) this.#makeRoom(0);
    const read = stream.read(this.#bytes, this.#to, this.#bytes.length);
    if (read > 0) this.#to += read;
    return read;
  }

  /** Whether the last read filled all there was room for, so that there may be more. */
  get full(): boolean {
    return this.#to === this.#bytes.length;
  }

  /** Take what is whole and deliver it. */
  take(): SessionState {
    if (!this.#greeted) {
      const state = this.#greet();
      if (state.kind !== "open" || !this.#greeted) return state;
    }
    while (this.#to - this.#from >= SOCKET_HEADER) {
      const length = this.#view.getUint32(this.#from);
      if (length > this.#containerMax)
        return this.#breach(`a container of ${length} bytes, the most is ${this.#containerMax}`);
      const size = SOCKET_HEADER + length;
      if (this.#to - this.#from < size) {
        this.#makeRoom(size);
        return OPEN;
      }
      this.#container(length);
      this.#from += size;
      if (this.#containers.ended) return { kind: "ended" };
    }
    if (this.#from === this.#to) {
      this.#from = 0;
      this.#to = 0;
    }
    return OPEN;
  }

  #container(length: number): void {
    const sequence = readSequence(this.#view, this.#from + 4);
    // A sender that lags behind its own numbers (trap.md section 4) has lost nothing.
    if (this.#expected >= 0 && sequence > this.#expected) this.missed += sequence - this.#expected;
    this.#expected = sequence + this.#containers.take(this.#from + SOCKET_HEADER, length);
  }

  #greet(): SessionState {
    const hello = decodeHello(this.#bytes, this.#from, this.#to);
    if ("needs" in hello) {
      this.#makeRoom(hello.needs);
      return OPEN;
    }
    if ("error" in hello) return this.#breach(hello.error);
    this.#from += hello.size;
    if (!hello.layout) return { kind: "later" };
    if (!sameLayout(this.#layout, hello.layout)) {
      try {
        this.#receiver.announce?.(hello.layout);
      } catch (cause) {
        const error = new NemeanError("ERR_TEMPLATE", EXIT.data, messageOf(cause), cause);
        return { kind: "refused", error };
      }
      this.#layout = hello.layout;
    }
    this.#greeted = true;
    return OPEN;
  }

  #breach(why: string): SessionState {
    this.#broken++;
    return { kind: "broken", why };
  }

  /** Move what is left to the front, into a larger buffer if `size` bytes would not fit. */
  #makeRoom(size: number): void {
    if (this.#from + size <= this.#bytes.length && this.#to < this.#bytes.length) return;
    const [bytes, from, to] = [this.#bytes, this.#from, this.#to];
    if (size > bytes.length) {
      this.#reserve(size);
      this.#bytes.set(bytes.subarray(from, to));
    } else bytes.copyWithin(0, from, to);
    this.#from = 0;
    this.#to = to - from;
  }

  #reserve(size: number): void {
    const buffer = new ArrayBuffer(Math.max(size, HELLO_HEAD + SPECIFIER_MAX));
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    this.#containers.use(buffer);
  }
}
