// SPDX-License-Identifier: BSD-3-Clause
import { POLLIN, type Task } from "./poller.ts";

/** How long a listener looks away when the process has no descriptor left for one who waits. */
const REST_MS = 100;

/**
 * Say when a listener's task runs next. poll(2) would tell of one whom it cannot take on and on, and the loop would
 * never sleep.
 * @param events that the task was run for
 * @param found whether somebody was taken in
 */
export function paceListener(task: Task, events: number, found: boolean): void {
  const rests = !found && events !== 0;
  task.events = rests ? 0 : POLLIN;
  task.due = rests ? performance.now() + REST_MS : Number.POSITIVE_INFINITY;
}
