// SPDX-License-Identifier: BSD-3-Clause
import { ERRNO, errno, errnoText, libc } from "./libc.ts";

/** Events of poll(2). */
export const POLLIN = 1;
export const POLLOUT = 4;

/** What a thread's loop does for a socket or a timer. Plain fields, looked at before each wait. */
export interface Task {
  /** Descriptor to wait on; -1 for a task that only waits for its time. */
  fd: number;
  /** {@link POLLIN} and {@link POLLOUT} to wait for. */
  events: number;
  /** `performance.now()` at which it runs anyhow: 0 at once, Infinity never. */
  due: number;
  /**
   * `intake` brings records in. While an output waits for a slow reader, only `outlet` tasks run, so that a
   * module is never given records before it has returned from the ones before.
   */
  readonly stage: "intake" | "outlet";
  /** `events` that came (with POLLERR and POLLHUP); 0 when its time had come. Never throws for the wire's sake. */
  run(events: number): void;
}

const WORDS = 2;
const GROW = 16;
/** Longest wait: how late a stop is seen. */
const SLICE_MS = 100;

/**
 * The loop of one thread over poll(2): blocking, so it belongs in a Worker whose parent has the event loop,
 * takes the signals and says when to stop.
 */
export class Poller {
  readonly #tasks: Task[] = [];
  readonly #stopped: () => boolean;
  /** struct pollfd: descriptor, then events and what came of them as two halves of a word. */
  #fds = new Int32Array(new ArrayBuffer(GROW * WORDS * 4));
  #polled: Task[] = [];

  constructor(stopped: () => boolean = () => false) {
    this.#stopped = stopped;
  }

  /** Whether the thread was told to end. */
  get stopped(): boolean {
    return this.#stopped();
  }

  add(task: Task): void {
    this.#tasks.push(task);
  }

  remove(task: Task): void {
    const i = this.#tasks.indexOf(task);
    if (i >= 0) this.#tasks.splice(i, 1);
  }

  /** Wait until something is to be done, at most `maxMs`, and do it. Returns the tasks that ran. */
  turn(maxMs = SLICE_MS, stage?: Task["stage"]): number {
    let now = performance.now();
    let until = now + Math.min(maxMs, SLICE_MS);
    this.#polled.length = 0;
    for (const task of this.#tasks) {
      if (stage !== undefined && task.stage !== stage) continue;
      if (task.due < until) until = task.due;
      if (task.fd >= 0 || task.due !== Number.POSITIVE_INFINITY) this.#watch(task);
    }
    this.#poll(Math.max(0, Math.ceil(until - now)));
    now = performance.now();
    let ran = 0;
    const polled = this.#polled;
    // Tasks may add and remove others while they run, and turn the outlets meanwhile: this turn keeps its own list.
    this.#polled = [];
    const came = polled.map((_, i) => this.#fds[i * WORDS + 1]! >>> 16);
    for (let i = 0; i < polled.length; i++) {
      const task = polled[i]!;
      if (came[i] === 0 && task.due > now) continue;
      if (!this.#tasks.includes(task)) continue;
      task.run(came[i]!);
      ran++;
    }
    return ran;
  }

  #watch(task: Task): void {
    const at = this.#polled.length * WORDS;
    if (at === this.#fds.length) {
      const more = new Int32Array(new ArrayBuffer(this.#fds.byteLength * 2));
      more.set(this.#fds);
      this.#fds = more;
    }
    // A negative descriptor is passed over by poll().
    this.#fds[at] = task.events === 0 ? -1 : task.fd;
    this.#fds[at + 1] = task.events;
    this.#polled.push(task);
  }

  #poll(timeoutMs: number): void {
    const { poll } = libc();
    if (poll(this.#fds, this.#polled.length as never, timeoutMs) >= 0) return;
    const reason = errno();
    if (reason !== ERRNO.interrupted) throw new Error(`poll: ${errnoText(reason)}`);
    for (let i = 0; i < this.#polled.length; i++) this.#fds[i * WORDS + 1]! &= 0xffff;
  }
}
