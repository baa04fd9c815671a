// SPDX-License-Identifier: BSD-3-Clause
import type { AlertStore } from "../store/alert-store.ts";
import { STATUSES, type TriageStatus } from "../store/triage.ts";
import type { AccountRoute } from "./accounts.ts";
import { alertView } from "./alert-view.ts";
import { type BodyField, text } from "./body.ts";
import { json, problem } from "./problem.ts";

const STATUS: BodyField = {
  about: STATUSES.join(", "),
  schema: { type: "string", enum: STATUSES },
  takes: (value) => (STATUSES as readonly unknown[]).includes(value),
};

/** The route by which somebody says what they make of an event. */
export const triageRoute = (store: AlertStore): AccountRoute => ({
  method: "PATCH",
  path: "/api/v1/alerts/:id",
  needs: "write:alerts",
  operationId: "triageAlert",
  summary: "Acknowledge an event, call it a false positive, mute it for sinks, note something.",
  answers: "Alert",
  errors: [404, 503],
  body: { status: STATUS, note: text("a note") },
  handle({ auth, principal, address, body, params }) {
    const id = params["id"] ?? "";
    const status = body["status"] as TriageStatus;
    const note = String(body["note"]);
    const by = principal!.name;
    if (!store.triage(id, { status, note, by, at: Date.now() * 1000 }))
      return problem(404, { title: "No such alert" });
    auth.audit.append({
      actor: by,
      action: "alert.triage",
      target: id,
      detail: { status, note },
      address,
    });
    return json(alertView(store.get(id)!));
  },
});
