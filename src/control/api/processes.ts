// SPDX-License-Identifier: BSD-3-Clause
/** The routes of processes, modules and links. @module */
import { rfc3339 } from "../../core/unirec/time.ts";
import type { LinkView, LogLine, ModuleView, ProcessView } from "../supervise/view.ts";
import type { AccountRoute, Call } from "./accounts.ts";
import { json, problem } from "./problem.ts";

/** What runs, and what can be done about it. */
export interface Processes {
  views(): readonly ProcessView[];
  modules(): Promise<readonly ModuleView[]>;
  links(): readonly LinkView[];
  /** False when there is none of that name, or it is control itself. */
  act(name: string, what: "start" | "stop" | "restart"): boolean;
  logs(name: string, most: number): Promise<readonly LogLine[] | undefined>;
}

const LOG_LINES = 200;

const timed = (view: ProcessView) => ({
  ...view,
  since: rfc3339(view.since),
  retryAt: view.retryAt === null ? null : rfc3339(view.retryAt),
});

const noProcess = (): Response => problem(404, { title: "No such process" });
const nameOf = ({ params }: Call): string => params["id"] ?? "";

/** Routes of the processes of an appliance. */
export const processRoutes = (processes: Processes): readonly AccountRoute[] => [
  {
    method: "GET",
    path: "/api/v1/processes",
    needs: "read:alerts",
    operationId: "listProcesses",
    summary: "The processes of the appliance: state, CPU, memory, restarts, and why one failed.",
    answers: "Processes",
    handle: () => json({ items: processes.views().map(timed) }),
  },
  ...(["start", "stop", "restart"] as const).map(
    (what): AccountRoute => ({
      method: "POST",
      path: `/api/v1/processes/:id/${what}`,
      needs: "control",
      operationId: `${what}Process`,
      summary: `${what[0]!.toUpperCase()}${what.slice(1)} a process; what it comes to is seen in its state.`,
      answers: "Done",
      errors: [404],
      handle(call) {
        const name = nameOf(call);
        if (!processes.act(name, what)) return noProcess();
        call.auth.audit.append({
          actor: call.principal!.name,
          action: `process.${what}`,
          target: name,
          address: call.address,
        });
        return json({ done: true });
      },
    }),
  ),
  {
    method: "GET",
    path: "/api/v1/processes/:id/logs",
    needs: "read:config",
    operationId: "getProcessLog",
    summary:
      "The latest lines a process has written, the oldest first. Text from the network: escape it.",
    answers: "Log",
    errors: [404],
    async handle(call) {
      const lines = await processes.logs(nameOf(call), LOG_LINES);
      return lines
        ? json({ items: lines.map((line) => ({ ...line, at: rfc3339(line.at) })) })
        : noProcess();
    },
  },
  {
    method: "GET",
    path: "/api/v1/modules",
    needs: "read:alerts",
    operationId: "listModules",
    summary: "All modules there are: what runs where, with what parameters, and what it counts.",
    answers: "Modules",
    handle: async () => json({ items: await processes.modules() }),
  },
  {
    method: "GET",
    path: "/api/v1/links",
    needs: "read:alerts",
    operationId: "listLinks",
    summary: "Where records and alerts go: how many, how many were lost, how many wait.",
    answers: "Links",
    handle: () => json({ items: processes.links() }),
  },
];
