// SPDX-License-Identifier: BSD-3-Clause
/** The API of the appliance that runs on this machine, by the socket in its data folder. @module */
import { existsSync } from "node:fs";
import { EXIT, NemeanError } from "../../core/errors.ts";
import type { Problem } from "../config/problem.ts";
import { socketPath } from "../data-folder.ts";

/** Which appliance, for commands that ask one. */
export const DATA_OPTION = [
  "--data <folder>",
  "its data folder",
  process.env["STATE_DIRECTORY"] ?? "nemean-data",
] as const;

/** What the API answers, as far as it is shown here. */
export interface Answers {
  readonly "/api/v1/processes": {
    readonly items: readonly {
      readonly name: string;
      readonly state: string;
      readonly pid: number | null;
      readonly restarts: number;
      readonly reason: string | null;
      readonly retryAt: string | null;
      readonly cpu: number;
      readonly memory: number;
    }[];
  };
  readonly "/api/v1/modules": {
    readonly items: readonly {
      readonly name: string;
      readonly process: string | null;
      readonly enabled: boolean;
      readonly inputs: Readonly<Record<string, number>>;
      readonly outputs: Readonly<Record<string, number>>;
      readonly busy: number;
    }[];
  };
  readonly "/api/v1/links": {
    readonly items: readonly {
      readonly from: string;
      readonly to: string;
      readonly via: string;
      readonly records: number;
      readonly dropped: number;
      readonly queued: number | null;
    }[];
  };
  readonly "/healthz": {
    readonly status: string;
    readonly reasons: string[];
    readonly uptime: number;
  };
  readonly "/api/v1/stats": {
    readonly at: string;
    readonly sources: readonly {
      readonly name: string;
      readonly meter: {
        readonly packets: number;
        readonly bytes: number;
        readonly flows: number;
        readonly live: number;
      };
      readonly capture?: { readonly dropped: number; readonly state: string };
    }[];
    readonly modules: readonly {
      readonly name: string;
      readonly inputs: Readonly<Record<string, number>>;
      readonly outputs: Readonly<Record<string, number>>;
    }[];
    readonly alerts: number;
    readonly ringDrops: number;
    readonly rss: number;
    readonly delivery?: { readonly sinks: Answers["/api/v1/sinks"]["items"] };
  };
  readonly "/api/v1/sinks": {
    readonly items: readonly {
      readonly name: string;
      readonly state: string;
      readonly waiting: number;
      readonly delivered: number;
      readonly dropped: number;
      readonly dead: number;
      readonly lastError: string | null;
    }[];
  };
  readonly "/api/v1/config": {
    readonly revision: number;
    readonly at: string;
    readonly reason: string;
    readonly body: string;
  };
  readonly "/api/v1/config/revisions": {
    readonly items: readonly {
      readonly id: number;
      readonly at: string;
      readonly reason: string;
    }[];
  };
  readonly "/api/v1/users": {
    readonly items: readonly {
      readonly name: string;
      readonly role: string;
      readonly disabled: boolean;
    }[];
  };
}

/** What a path answers. */
export const get = async <P extends keyof Answers>(data: string, path: P): Promise<Answers[P]> =>
  (await ask(data, path)) as Answers[P];

/** Ask the appliance that runs with a data folder; with a body, do something. */
export async function ask(data: string, path: string, body?: unknown): Promise<unknown> {
  const unix = socketPath(data);
  if (!existsSync(unix)) throw notRunning(data);
  const sending = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  let response: Response;
  try {
    response = await fetch(`http://localhost${path}`, {
      unix,
      ...(body === undefined ? {} : sending),
    });
  } catch {
    throw notRunning(data);
  }
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  throw new Refused(answer as ProblemAnswer);
}

interface ProblemAnswer {
  readonly title: string;
  readonly detail?: string;
  readonly errors?: readonly Partial<Problem>[];
}

/** What the appliance did not want to do. */
export class Refused extends NemeanError {
  /** What is wrong with the text of a configuration, and where. */
  readonly mistakes: readonly Problem[];

  constructor({ title, detail, errors = [] }: ProblemAnswer) {
    super("ERR_USAGE", EXIT.usage, `${title}${detail === undefined ? "" : `: ${detail}`}`);
    this.mistakes = errors.filter((each): each is Problem => each.line !== undefined);
  }
}

const notRunning = (data: string): NemeanError =>
  new NemeanError(
    "ERR_SOCKET",
    EXIT.unavailable,
    `nothing runs with the data folder ${data}, or you may not use its socket; --data names another`,
  );
