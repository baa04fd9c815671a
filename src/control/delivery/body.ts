// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import { alertJson } from "../alert-json.ts";

/** An alert as it is queued: JSON that {@link alertOfBody} reads. */
export const bodyOf = (alert: Alert): string => {
  const sum = alert.detectTime + alert.firstTime + alert.lastTime;
  return alertJson(Number.isFinite(sum) ? alert : withFiniteTimes(alert));
};

/** @throws for text that is no JSON */
export const alertOfBody = (body: string): Alert => JSON.parse(body) as Alert;

const whole = (micros: number): number => (Number.isFinite(micros) ? micros : 0);

/** A time from a hostile capture may be any double; JSON would make NaN null. */
const withFiniteTimes = (alert: Alert): Alert => ({
  ...alert,
  detectTime: whole(alert.detectTime),
  firstTime: whole(alert.firstTime),
  lastTime: whole(alert.lastTime),
});
