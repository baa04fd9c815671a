// SPDX-License-Identifier: BSD-3-Clause
import { rfc3339 } from "../../core/unirec/time.ts";
import type { StoredAlert } from "../store/alert-query.ts";

/** An event as the API shows it: the canonical alert, with times as text. */
export const alertView = (alert: StoredAlert) => ({
  ...alert,
  openedAt: rfc3339(alert.openedAt),
  updatedAt: rfc3339(alert.updatedAt),
  detectTime: rfc3339(alert.detectTime),
  firstTime: rfc3339(alert.firstTime),
  lastTime: rfc3339(alert.lastTime),
  ...(alert.triage ? { triage: { ...alert.triage, at: rfc3339(alert.triage.at) } } : {}),
});
