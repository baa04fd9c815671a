// SPDX-License-Identifier: BSD-3-Clause
import type { Template } from "../../core/unirec/template.ts";
import { Exchange, OUTCOME } from "./exchange.ts";
import type { Flow, Setup } from "./fields.ts";
import { Refusals } from "./refusals.ts";

/** Refusals as they come, and logins that follow on them. */
export function detect(context: Setup) {
  const exchange = new Exchange();
  const refusals = new Refusals(context);
  return {
    flows(flow: Flow) {
      while (flow.next()) {
        if (!exchange.take(flow)) continue;
        if (exchange.outcome === OUTCOME.refused) refusals.refused(exchange, flow);
        else refusals.accepted(exchange);
      }
    },
    announced: (layout: Template) => exchange.announced(layout),
    everySecond: (now: number) => refusals.expire(now),
    end: () => refusals.end(),
  };
}
