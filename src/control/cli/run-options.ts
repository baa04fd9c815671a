// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../../core/errors.ts";
import type { AnyModule } from "../../core/module.ts";
import { dashed } from "../derive.ts";
import { paramNamed, parseParam } from "../params.ts";

/** What `nemean run` was told. */
export interface RunPlan {
  readonly params: Record<string, unknown>;
  input: string;
  output: string;
  /** The value of `-i`: TRAP interfaces in place of text files. */
  interfaces?: string;
  /** Seconds by which flows may come late. */
  lateness?: number;
  /** 0 for what an operator should know; 1 to 3 for more, as the original's -v, -vv, -vvv. */
  verbosity: number;
}

const TRUTH = /^(true|false)$/;
const VERBOSE = /^-v{1,3}$/;
/** Options that are not the module's own, and where their values go. */
const OWN: Readonly<Record<string, (plan: RunPlan, value: string, option: string) => void>> = {
  "--in": (plan, value) => {
    plan.input = value;
  },
  "--out": (plan, value) => {
    plan.output = value;
  },
  "-i": (plan, value) => {
    plan.interfaces = value;
  },
  "--lateness": (plan, value, option) => {
    const seconds = value.trim() === "" ? Number.NaN : Number(value);
    if (!(seconds >= 0 && seconds <= LATENESS_MAX))
      throw usageError(`${option}: expected seconds from 0 to ${LATENESS_MAX}, got "${value}"`);
    plan.lateness = seconds;
  },
};
const LATENESS_MAX = 86_400;

/**
 * Options of a module, as its declaration has them: `--idle-timeout 60`, `--idle-timeout=60`, `-d 60`.
 * @throws {NemeanError} ERR_USAGE that names the option and what is allowed
 */
export function parseOptions(def: AnyModule, args: readonly string[]): RunPlan {
  const plan: RunPlan = { params: {}, input: "-", output: "-", verbosity: 0 };
  for (let i = 0; i < args.length; i++) i += takeOption(def, plan, args[i]!, args[i + 1]);
  return plan;
}

/** Take one option; returns how many further arguments it used. */
function takeOption(
  def: AnyModule,
  plan: RunPlan,
  option: string,
  next: string | undefined,
): 0 | 1 {
  if (VERBOSE.test(option)) {
    plan.verbosity = option.length - 1;
    return 0;
  }
  const equals = option.startsWith("--") ? option.indexOf("=") : -1;
  const head = equals < 0 ? option : option.slice(0, equals);
  const given = equals < 0 ? next : option.slice(equals + 1);
  const used = equals < 0 ? 1 : 0;
  const own = Object.hasOwn(OWN, head) ? OWN[head] : undefined;
  const param = own ? "" : optionParam(def, head);
  // A flag may stand alone.
  if (def.params[param]?.kind === "flag" && used === 1 && !TRUTH.test(next ?? "")) {
    plan.params[param] = true;
    return 0;
  }
  if (given === undefined) throw usageError(`${head}: a value is missing`);
  if (own) own(plan, given, head);
  else plan.params[param] = parseParam(def.params[param]!, given, head);
  return used;
}

const optionParam = (def: AnyModule, head: string): string =>
  head.startsWith("--") ? paramNamed(def, head.slice(2), head) : lettered(def, head);

function lettered(def: AnyModule, option: string): string {
  const params = Object.entries(def.params);
  const found = params.find(([, { flag }]) => flag !== undefined && option === `-${flag}`);
  if (found) return found[0];
  const known = params.map(([key, { flag }]) => `--${dashed(key)}${flag ? ` (-${flag})` : ""}`);
  throw usageError(
    `${option}: ${def.name} has no such option; it has ${[...known, ...Object.keys(OWN), "-v"].join(", ")}`,
  );
}
