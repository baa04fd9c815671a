// SPDX-License-Identifier: BSD-3-Clause
import type { Processes } from "../../src/control/api/processes.ts";
import { MONDAY } from "../../src/control/store/testing/alerts.ts";
import type {
  LinkView,
  LogLine,
  ModuleView,
  ProcessView,
} from "../../src/control/supervise/view.ts";

type Process = { -readonly [P in keyof ProcessView]: ProcessView[P] };

const processOf = (change: Partial<Process> & Pick<Process, "name" | "kind">): Process => ({
  state: "running",
  pid: 4711,
  since: MONDAY,
  restarts: 0,
  reason: null,
  retryAt: null,
  cpu: 12.5,
  memory: 84_200_000,
  modules: [],
  ...change,
});

const moduleOf = (
  name: string,
  process: string | null,
  change: Partial<ModuleView> = {},
): ModuleView => ({
  name,
  kind: "detector",
  about: `Finds what ${name} is there for.`,
  enabled: process !== null,
  process,
  params: {},
  inputs: { flows: 120_000 },
  outputs: { alerts: 12 },
  counters: { malformed_records: 0 },
  busy: 3.25,
  ...change,
});

const linkOf = (from: string, to: string, change: Partial<LinkView> = {}): LinkView => ({
  from,
  fromPort: "flows",
  to,
  toPort: "flows",
  via: "memory",
  records: 120_000,
  dropped: 0,
  queued: null,
  ...change,
});

/** Text that turns round and clears the screen, where it is not escaped. */
export const HOSTILE = "a\u202eb\u001b[2J<i>c</i>";
export const HOSTILE_SHOWN = "a\\u202eb\\u001b[2J<i>c</i>";

/** The processes of an appliance that is not there: two taps, one failed module, losses. */
export class FakeProcesses implements Processes {
  /** What was asked for, such as `restart detectors`. */
  readonly acts: string[] = [];
  readonly #processes = [
    processOf({ name: "control", kind: "control" }),
    processOf({ name: "capture@eth0", kind: "capture" }),
    processOf({ name: "capture@eth1", kind: "capture" }),
    processOf({ name: "detectors", kind: "detectors", modules: ["vportscan", "haddrscan"] }),
    processOf({
      name: "module@ddos",
      kind: "module",
      modules: ["ddos"],
      restarts: 3,
      state: "failed",
      pid: null,
      reason: HOSTILE,
      retryAt: MONDAY + 5_000_000,
    }),
  ];
  readonly #links = [
    ...["vportscan", "haddrscan"].flatMap((name) => [
      linkOf("capture@eth0", name, { via: "u:capture-eth0" }),
      linkOf("capture@eth1", name, { via: "u:capture-eth1" }),
      linkOf(name, "alerts", { fromPort: "alerts", records: 12 }),
    ]),
    linkOf("capture@eth0", "ddos", { via: "u:capture-eth0", dropped: 3400, queued: 12 }),
    linkOf("ddos", "alerts", { fromPort: "alerts", records: 3 }),
    linkOf("alerts", "sink:siem", { via: "queue", records: 27, queued: 2 }),
  ];

  views(): readonly ProcessView[] {
    return this.#processes;
  }

  async modules(): Promise<readonly ModuleView[]> {
    return [
      moduleOf("vportscan", "detectors", { params: { portsMax: 40, idleTimeout: 0.5 } }),
      moduleOf("haddrscan", "detectors"),
      moduleOf("ddos", "module@ddos"),
      moduleOf("logger", null, { kind: "module" }),
    ];
  }

  links(): readonly LinkView[] {
    return this.#links;
  }

  act(name: string, what: "start" | "stop" | "restart"): boolean {
    const process = this.#processes.find((each) => each.name === name && each.kind !== "control");
    if (!process) return false;
    this.acts.push(`${what} ${name}`);
    process.state = what === "stop" ? "stopped" : "running";
    process.pid = what === "stop" ? null : 4800;
    return true;
  }

  async logs(name: string): Promise<readonly LogLine[] | undefined> {
    if (!this.#processes.some((each) => each.name === name)) return undefined;
    const lines = Array.from({ length: 50 }, (_, i): LogLine => {
      return { at: MONDAY + i * 1_000_000, level: "info", message: `looked at ${i * 1000} flows` };
    });
    return [...lines, { at: MONDAY + 50_000_000, level: "warning", message: HOSTILE }];
  }
}
