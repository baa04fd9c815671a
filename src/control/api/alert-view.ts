// SPDX-License-Identifier: BSD-3-Clause

import type { Alert } from "../../core/alert.ts";
import { rfc3339 } from "../../core/unirec/time.ts";
import type { StoredAlert } from "../store/alert-query.ts";

/** An alert as it comes: the canonical one, with times as text. */
export const liveView = (alert: Alert) => ({
  ...alert,
  detectTime: rfc3339(alert.detectTime),
  firstTime: rfc3339(alert.firstTime),
  lastTime: rfc3339(alert.lastTime),
});

/** An event as the API shows it: its last alert, and the times of all of them. */
export const alertView = (alert: StoredAlert) => ({
  ...liveView(alert),
  openedAt: rfc3339(alert.openedAt),
  updatedAt: rfc3339(alert.updatedAt),
  ...(alert.triage ? { triage: { ...alert.triage, at: rfc3339(alert.triage.at) } } : {}),
});
