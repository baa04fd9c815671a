// SPDX-License-Identifier: BSD-3-Clause
import type { Alert } from "../../core/alert.ts";
import { rfc3339 } from "../../core/unirec/time.ts";
import { boundedLine } from "./bounded.ts";
import { jsonLine } from "./text.ts";
import { finite } from "./values.ts";

/** The canonical alert as one line of JSON, with times as RFC 3339 text. */
export const jsonAlert = (alert: Alert): string =>
  boundedLine(alert, (short, cut) =>
    jsonLine({
      ...short,
      detectTime: rfc3339(short.detectTime),
      firstTime: rfc3339(short.firstTime),
      lastTime: rfc3339(short.lastTime),
      // JSON would have null for a number that is none: no value is no key.
      observed: finite(short.observed),
      threshold: finite(short.threshold),
      baseline: finite(short.baseline),
      ...(cut.length > 0 ? { cut } : {}),
    }),
  );
