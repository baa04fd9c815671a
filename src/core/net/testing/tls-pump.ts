// SPDX-License-Identifier: BSD-3-Clause
import { POLLIN, Poller, type Task } from "../poller.ts";
import { accept, connect, listenTcp, resolve } from "../sockets.ts";
import { AGAIN, BROKEN, type ByteStream } from "../stream.ts";

const PATIENCE_NS = 20_000_000_000;
const ROOM = 64 << 10;

/** One end of a connection, driven by a {@link Poller}: sends what it is given and keeps what comes. */
export class Pump implements Task {
  readonly stream: ByteStream;
  readonly fd: number;
  readonly stage = "intake";
  events = POLLIN;
  due = 0;
  /** How it ended: said so, or broke. */
  end: "closed" | "broken" | undefined;
  readonly #out: Uint8Array;
  #sent = 0;
  #in = new Uint8Array(new ArrayBuffer(ROOM));
  #have = 0;
  /** Bytes offered and asked for at most in a call. */
  readonly #step: number;

  constructor(stream: ByteStream, out: Uint8Array | string = "", step = Number.MAX_SAFE_INTEGER) {
    this.stream = stream;
    this.fd = stream.fd;
    const bytes = typeof out === "string" ? Buffer.from(out) : out;
    this.#out = new Uint8Array(new ArrayBuffer(bytes.length));
    this.#out.set(bytes);
    this.#step = step;
  }

  get received(): Uint8Array {
    return this.#in.subarray(0, this.#have);
  }

  get text(): string {
    return Buffer.from(this.received).toString();
  }

  /** Whether all is handed over. */
  get sent(): boolean {
    return this.#sent === this.#out.length;
  }

  run(): void {
    this.due = Number.POSITIVE_INFINITY;
    this.events = 0;
    this.#write();
    // An end that could not write may have a reason to read.
    if (this.end === undefined) this.#read();
  }

  #write(): void {
    while (!this.sent) {
      const to = Math.min(this.#out.length, this.#sent + this.#step);
      const written = this.stream.write(this.#out, this.#sent, to);
      if (written < 0) {
        this.#stop(written);
        return;
      }
      this.#sent += written;
    }
  }

  #read(): void {
    for (;;) {
      if (this.#have === this.#in.length) this.#grow();
      const to = Math.min(this.#in.length, this.#have + this.#step);
      const read = this.stream.read(this.#in, this.#have, to);
      if (read <= 0) {
        this.#stop(read);
        return;
      }
      this.#have += read;
    }
  }

  #grow(): void {
    const more = new Uint8Array(new ArrayBuffer(this.#in.length * 2));
    more.set(this.#in);
    this.#in = more;
  }

  #stop(returned: number): void {
    if (returned === AGAIN) this.events |= this.stream.wants;
    else {
      this.end = returned === BROKEN ? "broken" : "closed";
      this.events = 0;
    }
  }
}

/** Two connected sockets over the loopback, neither of which blocks. */
export function connectedPair(): { accepted: number; connected: number } {
  const listener = listenTcp("127.0.0.1", "0", 1);
  const connected = connectTo(listener.port);
  let accepted = -1;
  waitFor(() => {
    accepted = accept(listener)?.fd ?? -1;
    return accepted >= 0;
  });
  listener.close();
  return { accepted, connected };
}

/** A socket that is connected to a port of the loopback, or about to be. */
export function connectTo(port: number): number {
  const [address] = resolve("127.0.0.1", String(port));
  const fd = connect(address!);
  if (fd < 0) throw new Error(`cannot connect to port ${port}: errno ${-fd}`);
  return fd;
}

/** Turn a loop of these until something holds. */
export function turnUntil(pumps: readonly Pump[], holds: () => boolean): void {
  const poller = new Poller();
  for (const pump of pumps) poller.add(pump);
  waitFor(() => {
    if (holds()) return true;
    poller.turn(5);
    return false;
  });
}

export function waitFor(holds: () => boolean): void {
  const end = Bun.nanoseconds() + PATIENCE_NS;
  while (!holds()) if (Bun.nanoseconds() > end) throw new Error("what was waited for did not come");
}

/** As {@link turnUntil}, where the other end lives in this process and needs its loop as well. */
export async function turnAsync(pump: Pump, holds: () => boolean): Promise<void> {
  const poller = new Poller();
  poller.add(pump);
  await waitAsync(() => {
    poller.turn(0);
    return holds();
  });
}

/** As {@link waitFor}, while this process's own loop goes on. */
export async function waitAsync(holds: () => boolean): Promise<void> {
  const end = Bun.nanoseconds() + PATIENCE_NS;
  while (!holds()) {
    if (Bun.nanoseconds() > end) throw new Error("what was waited for did not come");
    await Bun.sleep(1);
  }
}
