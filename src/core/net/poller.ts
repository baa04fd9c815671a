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

/** Calls something each so many milliseconds, also while an output waits. */
export class Pulse implements Task {
  readonly fd = -1;
  readonly events = 0;
  readonly stage = "outlet";
  due = 0;
  readonly #period: number;
  readonly #act: () => void;

  constructor(milliseconds: number, act: () => void) {
    this.#period = milliseconds;
    this.#act = act;
  }

  run(): void {
    this.due = performance.now() + this.#period;
    this.#act();
  }
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
  readonly #idle: Watched[] = [];

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
    // Tasks turn the outlets while they run: each turn in a turn has a list of its own.
    const watched = this.#idle.pop() ?? new Watched();
    for (const task of this.#tasks) {
      if (stage !== undefined && task.stage !== stage) continue;
      if (task.due < until) until = task.due;
      if (task.fd >= 0 || task.due !== Number.POSITIVE_INFINITY) watched.add(task);
    }
    watched.poll(Math.max(0, Math.ceil(until - now)));
    now = performance.now();
    let ran = 0;
    for (let i = 0; i < watched.tasks.length; i++) {
      const task = watched.tasks[i]!;
      const events = watched.events(i);
      // One that ran before it may have taken it out.
      if ((events === 0 && task.due > now) || !this.#tasks.includes(task)) continue;
      task.run(events);
      ran++;
    }
    watched.tasks.length = 0;
    this.#idle.push(watched);
    return ran;
  }
}

/** What one turn waits for: struct pollfd of each task, its descriptor, then events and what came of them. */
class Watched {
  readonly tasks: Task[] = [];
  #fds = new Int32Array(new ArrayBuffer(GROW * WORDS * 4));

  add(task: Task): void {
    const at = this.tasks.length * WORDS;
    if (at === this.#fds.length) {
      const more = new Int32Array(new ArrayBuffer(this.#fds.byteLength * 2));
      more.set(this.#fds);
      this.#fds = more;
    }
    // A negative descriptor is passed over by poll().
    this.#fds[at] = task.events === 0 ? -1 : task.fd;
    this.#fds[at + 1] = task.events;
    this.tasks.push(task);
  }

  /** What came for a task. */
  events(i: number): number {
    return this.#fds[i * WORDS + 1]! >>> 16;
  }

  poll(timeoutMs: number): void {
    const count = this.tasks.length;
    if (libc().poll(this.#fds, count as never, timeoutMs) >= 0) return;
    const reason = errno();
    if (reason !== ERRNO.interrupted) throw new Error(`poll: ${errnoText(reason)}`);
    for (let i = 0; i < count; i++) this.#fds[i * WORDS + 1]! &= 0xffff;
  }
}
