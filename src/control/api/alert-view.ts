// SPDX-License-Identifier: BSD-3-Clause
import { timeText } from "../../core/unirec/time.ts";
import type { StoredAlert } from "../store/alert-query.ts";

/** RFC 3339 with microseconds, from 1970 to 2255: past 2^53 a double has no single microseconds. */
export const rfc3339 = (micros: number): string =>
  `${timeText(Math.min(Math.max(Math.trunc(micros) || 0, 0), Number.MAX_SAFE_INTEGER))}Z`;

/** An event as the API shows it: the canonical alert, with times as text. */
export const alertView = (alert: StoredAlert) => ({
  ...alert,
  openedAt: rfc3339(alert.openedAt),
  updatedAt: rfc3339(alert.updatedAt),
  detectTime: rfc3339(alert.detectTime),
  firstTime: rfc3339(alert.firstTime),
  lastTime: rfc3339(alert.lastTime),
});
