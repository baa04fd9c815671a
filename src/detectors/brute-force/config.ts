// SPDX-License-Identifier: BSD-3-Clause
import { type Bounds, type Service, services } from "./services.ts";

/** What the original has for each service beside its limits; times in seconds. */
export interface Limits {
  listSize: number;
  /** Records in both lists above which a share counts, not a number. */
  smallList: number;
  threshold: number;
  recordTimeout: number;
  hostTimeout: number;
  reportTimeout: number;
  attackTimeout: number;
}

export interface Config {
  readonly services: readonly Service[];
  readonly limits: readonly Limits[];
  readonly general: {
    reportCheck: number;
    deleteCheck: number;
    eventsMin: number;
    /** Percent. */
    ratioMin: number;
    ignoreFirst: number;
    matchedRatio: number;
  };
}

const GENERAL = {
  GENERAL_CHECK_FOR_REPORT_TIMEOUT: "reportCheck",
  GENERAL_CHECK_FOR_DELETE_TIMEOUT: "deleteCheck",
  GENERAL_ATTACK_MIN_EVENTS_TO_REPORT: "eventsMin",
  GENERAL_ATTACK_MIN_RATIO_TO_KEEP_TRACKING_HOST: "ratioMin",
  GENERAL_IGNORE_FIRST_SEND: "ignoreFirst",
  GENERAL_MATCHED_FLOW_RATIO: "matchedRatio",
} as const;
const LIMITS = {
  LIST_SIZE: "listSize",
  LIST_SIZE_BOTTOM_THRESHOLD: "smallList",
  LIST_THRESHOLD: "threshold",
  RECORD_TIMEOUT: "recordTimeout",
  HOST_TIMEOUT: "hostTimeout",
  REPORT_TIMEOUT: "reportTimeout",
  ATTACK_TIMEOUT: "attackTimeout",
} as const;
const BOUNDS = {
  MIN_PACKETS: "packetsMin",
  MAX_PACKETS: "packetsMax",
  MIN_BYTES: "bytesMin",
  MAX_BYTES: "bytesMax",
} as const;
const SPACE = /\s+/g;
const NUMBER = /^\d+(\.\d+)?$/;

/** The original's values, changed by the lines of a file; `warn` is told of lines that change nothing. */
export function readConfig(text: string, warn: (message: string) => void): Config {
  const config: Config = {
    services: services(),
    limits: services().map(() => ({
      listSize: 1000,
      smallList: 50,
      threshold: 30,
      recordTimeout: 1800,
      hostTimeout: 4200,
      reportTimeout: 300,
      attackTimeout: 600,
    })),
    general: {
      reportCheck: 60,
      deleteCheck: 60,
      eventsMin: 10,
      ratioMin: 10,
      ignoreFirst: 0,
      matchedRatio: 0.9,
    },
  };
  const keys = settersOf(config);
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [key = "", value = ""] = line.replace(SPACE, "").split("=");
    const set = keys.get(key);
    if (set && NUMBER.test(value)) set(Number(value));
    else
      warn(`line ${i + 1} of the configuration sets nothing: ${JSON.stringify(line.slice(0, 80))}`);
  }
  return config;
}

type Setter = (value: number) => void;

function settersOf({ services: all, limits, general }: Config): ReadonlyMap<string, Setter> {
  const setters = new Map<string, Setter>();
  /** Keys that set members of `target`. */
  const add = <T>(names: Readonly<Record<string, keyof T>>, target: T, before = ""): void => {
    for (const [name, member] of Object.entries(names))
      setters.set(before + name, (value) => Object.assign(target as object, { [member]: value }));
  };
  add(GENERAL, general);
  for (const [i, { name, incoming, outgoing }] of all.entries()) {
    add<Limits>(LIMITS, limits[i]!, `${name}_`);
    add<Bounds>(BOUNDS, incoming[0]!, `${name}_BRUTEFORCE_INC_`);
    if (outgoing[0]) add<Bounds>(BOUNDS, outgoing[0], `${name}_BRUTEFORCE_OUT_`);
  }
  return setters;
}
