// SPDX-License-Identifier: BSD-3-Clause
/** The routes of the configuration: what is in force, what was, and how another comes into force. @module */

import { readFileSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import { rfc3339 } from "../../core/unirec/time.ts";
import { ConfigConflict, type ConfigControl, type ConfigWish } from "../config/control.ts";
import { ConfigError, type Problem } from "../config/problem.ts";
import type { Revision } from "../config/revisions.ts";
import type { AccountRoute, Call } from "./accounts.ts";
import { BODY_LARGEST, number, optional, text } from "./body.ts";
import { json, problem } from "./problem.ts";

/** Characters of a file. In JSON a line break or a quote is two. */
const CONFIG_MAX = 64 << 10;
/** A file may be wrong in more places than anybody reads. */
const PROBLEMS_MAX = 100;

const BODY = text(`the TOML file, at most ${CONFIG_MAX} characters`, CONFIG_MAX);

const view = ({ id, at, reason, body }: Revision): Response =>
  json({ revision: id, at: rfc3339(at), reason, body });

const noRevision = (detail: string): Response =>
  problem(404, { title: "No such revision", detail });

const first = (problems: readonly Problem[]): readonly Problem[] => problems.slice(0, PROBLEMS_MAX);

/** Apply a configuration in the name of whoever asks, and answer what came of it. */
async function applied(
  config: ConfigControl,
  { auth, principal, address }: Call,
  { action, ...wish }: ConfigWish & { readonly action: string },
): Promise<Response> {
  const onKept = ({ id }: Revision): void =>
    auth.audit.append({
      actor: principal!.name,
      action,
      target: String(id),
      detail: { reason: wish.reason },
      address,
    });
  try {
    return json(await config.apply({ ...wish, onKept }));
  } catch (error) {
    if (error instanceof ConfigConflict)
      return problem(409, { title: "Changed meanwhile", detail: error.message });
    if (!(error instanceof ConfigError)) throw error;
    const detail = `${error.problems.length} mistakes; nothing was changed`;
    return problem(422, { title: "Not acceptable", detail, errors: first(error.problems) });
  }
}

/** What the file holds now, or why nobody knows. */
function fileOf({ file }: ConfigControl): string | { readonly why: string } {
  if (file === undefined) return { why: "it was started without --config; apply a file instead" };
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    return { why: `${file}: ${messageOf(error)}` };
  }
}

/** Routes of the configuration. */
export const configRoutes = (config: ConfigControl): readonly AccountRoute[] => [
  ...lookRoutes(config),
  ...changeRoutes(config),
];

const lookRoutes = (config: ConfigControl): readonly AccountRoute[] => [
  {
    method: "GET",
    path: "/api/v1/config",
    needs: "read:config",
    operationId: "getConfig",
    summary: "The configuration in force.",
    answers: "Config",
    errors: [404],
    handle() {
      const revision = config.inForce();
      return revision ? view(revision) : noRevision("None was applied: options say what runs.");
    },
  },
  {
    method: "GET",
    path: "/api/v1/config/revisions",
    needs: "read:config",
    operationId: "listConfigRevisions",
    summary: "Configurations that were in force, the newest first.",
    answers: "ConfigRevisions",
    handle: () => json({ items: config.list().map((each) => ({ ...each, at: rfc3339(each.at) })) }),
  },
  {
    method: "GET",
    path: "/api/v1/config/revisions/:id",
    needs: "read:config",
    operationId: "getConfigRevision",
    summary: "A configuration that was in force.",
    answers: "Config",
    errors: [404],
    handle({ params }) {
      const revision = config.get(Number(params["id"]));
      return revision ? view(revision) : noRevision("GET /api/v1/config/revisions lists them.");
    },
  },
  {
    method: "POST",
    path: "/api/v1/config/check",
    needs: "control",
    operationId: "checkConfig",
    summary: "Say what is wrong with a configuration, and what it would change. Nothing is done.",
    answers: "ConfigCheck",
    body: { body: BODY },
    bodyMax: BODY_LARGEST,
    async handle({ body }) {
      const { problems, changes } = await config.check(String(body["body"]));
      return json({ problems: first(problems), changes });
    },
  },
];

const changeRoutes = (config: ConfigControl): readonly AccountRoute[] => [
  {
    method: "POST",
    path: "/api/v1/config/apply",
    needs: "write:config",
    operationId: "applyConfig",
    summary: "Put a configuration in force. Mistakes are 422, and `errors` says where each is.",
    answers: "ConfigApplied",
    body: {
      body: BODY,
      reason: optional(text("why")),
      revision: optional(
        number("the revision it was made from, 0 for none: 409 if another is in force", 0),
      ),
    },
    bodyMax: BODY_LARGEST,
    handle(call) {
      const { body, reason = "apply", revision } = call.body;
      return applied(config, call, {
        action: "config.apply",
        body: String(body),
        reason: String(reason),
        ...(revision === undefined ? {} : { base: Number(revision) }),
      });
    },
  },
  {
    method: "POST",
    path: "/api/v1/config/reload",
    needs: "write:config",
    operationId: "reloadConfig",
    summary: "Read the file that the appliance was started with again, and put it in force.",
    answers: "ConfigApplied",
    handle(call) {
      const read = fileOf(config);
      if (typeof read === "string")
        return applied(config, call, {
          action: "config.reload",
          body: read,
          reason: `reload of ${config.file}`,
        });
      return problem(409, { title: "Nothing to read", detail: read.why });
    },
  },
  {
    method: "POST",
    path: "/api/v1/config/rollback",
    needs: "write:config",
    operationId: "rollBackConfig",
    summary: "Put an older configuration in force again.",
    answers: "ConfigApplied",
    errors: [404],
    body: { revision: number("the number of a revision") },
    handle(call) {
      const old = config.get(Number(call.body["revision"]));
      if (!old) return noRevision("GET /api/v1/config/revisions lists them.");
      const reason = `rollback to ${old.id}`;
      return applied(config, call, { action: "config.rollback", body: old.body, reason });
    },
  },
];
