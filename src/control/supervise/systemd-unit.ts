// SPDX-License-Identifier: BSD-3-Clause
/** Units of systemd: their names, what `systemctl show` says of them, and how their processes ended. @module */
import { constants } from "node:os";
import { printable } from "../../core/log.ts";
import type { Exit } from "./backend.ts";

/**
 * Units that belong to this product. Letters, digits and `@ . _ -` need no escape in a unit's name, and the units
 * take the name as it is (`%i`), so `systemctl status nemean-module@ip-spoofing` is what one would type.
 */
const NAME =
  /^(?:control|detectors|(?:capture|collector|exporter|detector|module|command)@[A-Za-z0-9@._-]+)$/;
/** UNIT_NAME_MAX of systemd, with the zero at its end. */
const UNIT_NAME_MAX = 255;

/** The unit of a process; undefined for a name that is none of ours, or too long. */
export function unitOf(name: string): string | undefined {
  const unit = `nemean-${name}.service`;
  return NAME.test(name) && unit.length <= UNIT_NAME_MAX ? unit : undefined;
}

const PROPERTIES = [
  "Id",
  "ActiveState",
  "SubState",
  "Result",
  "MainPID",
  "ExecMainPID",
  "ExecMainCode",
  "ExecMainStatus",
  "NRestarts",
  "InvocationID",
  "Job",
] as const;

/** Arguments for one look at units. */
export const showArguments = (units: Iterable<string>): string[] => [
  "systemctl",
  "show",
  `--property=${PROPERTIES.join(",")}`,
  "--",
  ...units,
];

/** What systemd says of a unit. */
export interface UnitState {
  readonly id: string;
  /** Its process has ended, or has not begun. */
  readonly over: boolean;
  /** A job for it waits. */
  readonly queued: boolean;
  /** Equal as long as it is the same run; empty when systemd knows of none, or has forgotten it. */
  readonly invocation: string;
  readonly pid: number | undefined;
  /** Times systemd itself has started it again. */
  readonly restarts: number;
  /** It was started too often. */
  readonly startLimit: boolean;
  /** How its last process ended; of no meaning while it has not. */
  readonly exit: Exit;
}

const LINE = /^([A-Za-z]+)=(.*)$/gm;

/** Blocks of `Property=value` lines, one a unit; a block that lacks one says nothing. */
export function parseShow(text: string): UnitState[] {
  return text.split("\n\n").flatMap((block) => {
    const values = new Map([...block.matchAll(LINE)].map(([, key, value]) => [key!, value!]));
    return PROPERTIES.every((key) => values.has(key)) ? [stateOf((key) => values.get(key)!)] : [];
  });
}

type Properties = (key: (typeof PROPERTIES)[number]) => string;

function stateOf(value: Properties): UnitState {
  const active = value("ActiveState");
  return {
    id: value("Id"),
    over: active === "inactive" || active === "failed" || value("SubState") === "auto-restart",
    queued: value("Job") !== "" && value("Job") !== "0",
    invocation: value("InvocationID"),
    pid: Number(value("MainPID")) || undefined,
    restarts: Number(value("NRestarts")) || 0,
    startLimit: value("Result") === "start-limit-hit",
    exit: exitOf(value),
  };
}

/** `code` of waitid(2), as `ExecMainCode` has it. */
const CLD_EXITED = "1";
const CLD_KILLED = "2";
const CLD_DUMPED = "3";

/** Names by number; of SIGABRT and SIGIOT, which are one, the first. */
const SIGNALS = new Map(
  Object.entries(constants.signals)
    .map(([name, number]) => [String(number), name] as const)
    .reverse(),
);

function exitOf(value: Properties): Exit {
  const status = value("ExecMainStatus");
  const how = value("ExecMainCode");
  const killed = how === CLD_KILLED || how === CLD_DUMPED;
  const code = how === CLD_EXITED ? Number(status) : null;
  const detail = detailOf(value, code);
  return {
    code,
    signal: killed ? (SIGNALS.get(status) ?? `signal ${status}`) : null,
    ...(detail === undefined ? {} : { detail }),
  };
}

/** What `Result` of a service means (systemd.exec(5), $SERVICE_RESULT), where code and signal do not say it. */
const RESULTS: Readonly<Record<string, string>> = {
  "core-dump": "it left a core dump",
  watchdog: "watchdog",
  "oom-kill": "out of memory",
  timeout: "it took too long to start or to end",
  protocol: "it never said that it is ready",
  resources: "the system lacked what it takes to start it",
  "exec-condition": "a condition of its unit is not met",
};

/** Exit codes of systemd itself, before the program began (systemd.exec(5), process exit codes). */
const PREPARATION: Readonly<Record<number, string>> = {
  200: "its folder cannot be entered",
  203: "its program cannot be run",
  214: "its scheduling cannot be set",
  216: "its group is not there",
  217: "its user is not there",
  218: "its capabilities cannot be set",
  226: "its view of the file system cannot be made",
  228: "its system call filter cannot be set",
  233: "its runtime folder cannot be made",
  238: "its state folder cannot be made",
  239: "its cache folder cannot be made",
  240: "its log folder cannot be made",
};

function detailOf(value: Properties, code: number | null): string | undefined {
  const result = value("Result");
  if (result === "success" || result === "signal") return undefined;
  if (result === "exit-code") return code === null ? undefined : PREPARATION[code];
  return RESULTS[result] ?? printable(result);
}
