// SPDX-License-Identifier: BSD-3-Clause

/** What {@link Actor.act} returns when nothing is left to do. */
export const DONE = -1;

/** Somebody with a next thing to do: a session under way, a client that begins sessions, a scanner. */
export interface Actor {
  /**
   * Do what is due now: write at most one frame, enter others into the calendar.
   * @param now whole microseconds since 1970
   * @returns the time of the next act, not before `now`, or {@link DONE}
   */
  act(now: number): number;
}

/** Who acts next: a binary heap by time. Its size is the number of sessions under way at once. */
export class Calendar {
  readonly #times: number[] = [];
  readonly #actors: Actor[] = [];

  get size(): number {
    return this.#actors.length;
  }

  /** Time of the next act in microseconds; Infinity when nobody is left. */
  get next(): number {
    return this.#times.length === 0 ? Number.POSITIVE_INFINITY : this.#times[0]!;
  }

  enter(time: number, actor: Actor): void {
    let hole = this.#times.length;
    this.#times.push(time);
    this.#actors.push(actor);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#times[parent]! <= time) break;
      this.#times[hole] = this.#times[parent]!;
      this.#actors[hole] = this.#actors[parent]!;
      hole = parent;
    }
    this.#times[hole] = time;
    this.#actors[hole] = actor;
  }

  /** Let the next actor act, and enter it again for the time it asks for. The calendar is not empty. */
  advance(): void {
    const actor = this.#actors[0]!;
    const time = actor.act(this.#times[0]!);
    // The actor may have entered others, none before its own time: it can still stand at another place.
    if (this.#actors[0] !== actor)
      throw new Error("traffic: an actor entered an event of the past");
    if (time !== DONE) {
      this.#sink(time, actor);
      return;
    }
    const lastTime = this.#times.pop()!;
    const lastActor = this.#actors.pop()!;
    if (this.#actors.length > 0) this.#sink(lastTime, lastActor);
  }

  /** Place an actor below the root, whose own place is free. */
  #sink(time: number, actor: Actor): void {
    const times = this.#times;
    const actors = this.#actors;
    const count = times.length;
    let hole = 0;
    for (let child = 1; child < count; child = 2 * hole + 1) {
      if (child + 1 < count && times[child + 1]! < times[child]!) child++;
      if (times[child]! >= time) break;
      times[hole] = times[child]!;
      actors[hole] = actors[child]!;
      hole = child;
    }
    times[hole] = time;
    actors[hole] = actor;
  }
}
