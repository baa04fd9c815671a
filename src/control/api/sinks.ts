// SPDX-License-Identifier: BSD-3-Clause
/** The routes of sinks: how far each has got, a test alert, what was refused. @module */
import type { Alert } from "../../core/alert.ts";
import { allows } from "../auth/access.ts";
import type { DeliveryView } from "../delivery/delivery.ts";
import type { AlertStore } from "../store/alert-store.ts";
import type { AccountRoute, Call } from "./accounts.ts";
import { json, problem } from "./problem.ts";

const noSink = (): Response => problem(404, { title: "No such sink" });

/** An alert that says it is none. */
function testAlert(): Alert {
  const now = Date.now() * 1000;
  return {
    id: Bun.randomUUIDv7(),
    key: "test",
    update: 0,
    state: "closed",
    detector: "nemean",
    version: "0",
    rule: 9_000_000,
    title: "Test of a sink",
    category: "Test",
    severity: 0,
    confidence: 1,
    techniques: [],
    detectTime: now,
    firstTime: now,
    lastTime: now,
    source: { ip: "192.0.2.1" },
    target: { ip: "192.0.2.2" },
    reason: "An operator asked for a test alert; nothing has happened.",
    evidence: [],
    sensor: "nemean",
    interface: "",
  };
}

/** How far the latest alert of an event has got; why, to those who may know of receivers. */
function deliveriesOf(
  { delivery, store }: Parts,
  { params, principal }: Pick<Call, "params" | "principal">,
): Response {
  const event = store.get(params["id"] ?? "");
  if (!event) return problem(404, { title: "No such alert" });
  const { id, update } = event;
  const mayKnowWhy = principal !== undefined && allows(principal, "read:config");
  const items = delivery.deliveriesOf(id, update).map((each) => {
    const isMuted = each.state === "unknown" && store.isMuted(id);
    const { sink, state, reason } = isMuted ? { ...each, ...MUTED } : each;
    return { sink, state, ...(mayKnowWhy && reason !== undefined ? { reason } : {}) };
  });
  return json({ items });
}

const MUTED = { state: "not routed", reason: "the event is muted" } as const;

interface Parts {
  readonly delivery: DeliveryView;
  readonly store: AlertStore;
}

/** Routes of the sinks that alerts are brought to. */
export const sinkRoutes = ({ delivery, store }: Parts): readonly AccountRoute[] => [
  {
    method: "GET",
    path: "/api/v1/alerts/:id/deliveries",
    needs: "read:alerts",
    operationId: "listDeliveries",
    summary: "How far the latest alert of an event has got with each sink.",
    answers: "Deliveries",
    errors: [404, 503],
    handle: (call) => deliveriesOf({ delivery, store }, call),
  },
  {
    method: "GET",
    path: "/api/v1/sinks",
    needs: "read:config",
    operationId: "listSinks",
    summary:
      "Receivers of alerts: what they have, what waits, what was dropped or refused, and why.",
    answers: "Sinks",
    handle: () => {
      const { sinks, queue } = delivery.stats();
      return json({ items: sinks, queue });
    },
  },
  {
    method: "POST",
    path: "/api/v1/sinks/:id/test",
    needs: "control",
    operationId: "testSink",
    summary: "Send a test alert to a sink, past its queue.",
    answers: "SinkTest",
    errors: [404],
    async handle({ params }) {
      const result = await delivery.test(params["id"] ?? "", testAlert());
      return result ? json(result) : noSink();
    },
  },
  {
    method: "GET",
    path: "/api/v1/sinks/:id/dead-letters",
    needs: "read:alerts",
    operationId: "listDeadLetters",
    summary: "Alerts that a sink's receiver refused, the latest first.",
    answers: "DeadLetters",
    errors: [404],
    handle({ params }) {
      const name = params["id"] ?? "";
      const known = delivery.stats().sinks.some((sink) => sink.name === name);
      return known ? json({ items: delivery.deadLetters(name, 100) }) : noSink();
    },
  },
];
