// SPDX-License-Identifier: BSD-3-Clause
/** `nemean ctl config`: the configuration of a running appliance. @module */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { EXIT, messageOf, NemeanError, usageError } from "../../core/errors.ts";
import { printable, printableJson } from "../../core/log.ts";
import { ConfigError } from "../config/problem.ts";
import { type Answers, ask, DATA_OPTION, get, Refused } from "./local-api.ts";
import type { Status } from "./options.ts";
import { print, say } from "./terminal.ts";

interface Flags {
  readonly data: string;
  readonly json?: boolean;
  readonly reason?: string;
  readonly from?: string;
}

const CONFIG = "/api/v1/config";

/** Add `config` and what it does to `nemean ctl`. */
export function addConfigCommands(ctl: Command, status: Status): void {
  const config = ctl.command("config").description("Look at the configuration, and change it.");
  const add = (name: string, about: string): Command =>
    config
      .command(name)
      .description(about)
      .option(...DATA_OPTION)
      .option("--json", "what the API answers, as it is");
  add("show", "Print the file in force, or that of a revision.")
    .argument("[revision]")
    .action(async (revision: string | undefined, { data, json }: Flags) => {
      const shown = await revisionOf(data, revision);
      if (json) printJson(shown);
      else print(onScreen(shown.body));
    });
  add("list", "List the revisions, the newest first.").action(async ({ data, json }: Flags) => {
    const { items } = await get(data, "/api/v1/config/revisions");
    if (json) printJson(items);
    else for (const { id, at, reason } of items) print(`${id}  ${at}  ${printable(reason)}\n`);
  });
  add("diff", "Show what a file, or a revision, would change of what runs.")
    .argument("<file-or-revision>")
    .action(async (other: string, { data, json }: Flags) => {
      const isRevision = DIGITS.test(other);
      const body = isRevision ? (await revisionOf(data, other)).body : textOf(other);
      const checked = await check(data, body);
      if (json) printJson(checked);
      else tellChanges(sound(isRevision ? `revision ${other}` : other, checked));
    });
  add("check", "Say what is wrong with a file, and what it would change; exit code 78 if it is.")
    .argument("<file>")
    .action(async (file: string, { data, json }: Flags) => {
      const checked = await check(data, textOf(file));
      if (checked.problems.length > 0) status.code = EXIT.config;
      if (json) printJson(checked);
      else {
        tellChanges(sound(file, checked));
        say(`${file} is sound`);
      }
    });
  add("apply", "Put a file in force, and to work.")
    .argument("<file>")
    .option("--reason <text>", "why; `apply FILE` when left out")
    .option("--from <revision>", "only if this revision is still in force")
    .action(async (file: string, { data, json, reason = `apply ${file}`, from }: Flags) => {
      const base = from === undefined ? {} : { revision: numberOf(from) };
      tell(await change(data, "apply", { body: textOf(file), reason, ...base }, file), json);
    });
  ctl
    .command("reload")
    .description("Read the file that it was started with again, and put it in force and to work.")
    .option(...DATA_OPTION)
    .option("--json", "what the API answers, as it is")
    .action(async ({ data, json }: Flags) => {
      tell(await change(data, "reload", {}, "the file"), json);
    });
  add("rollback", "Put an older revision in force again, and to work: the one before, or this.")
    .argument("[revision]")
    .action(async (wanted: string | undefined, { data, json }: Flags) => {
      const revision = wanted === undefined ? await before(data) : numberOf(wanted);
      tell(await change(data, "rollback", { revision }, `revision ${revision}`), json);
    });
}

const DIGITS = /^\d+$/;

function numberOf(wanted: string): number {
  if (!DIGITS.test(wanted)) throw usageError(`revision "${wanted}": expected a number`);
  return Number(wanted);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new NemeanError("ERR_CONFIG", EXIT.noInput, `${file}: ${messageOf(error)}`);
  }
}

const revisionOf = (data: string, revision: string | undefined): Promise<Answers[typeof CONFIG]> =>
  revision === undefined
    ? get(data, CONFIG)
    : (ask(data, `${CONFIG}/revisions/${numberOf(revision)}`) as Promise<Answers[typeof CONFIG]>);

async function before(data: string): Promise<number> {
  const [, second] = (await get(data, "/api/v1/config/revisions")).items;
  if (second) return second.id;
  throw usageError("there is no revision before the newest");
}

interface Checked {
  readonly problems: readonly { line: number; column: number; message: string }[];
  readonly changes: readonly string[];
}

const check = async (data: string, body: string): Promise<Checked> =>
  (await ask(data, `${CONFIG}/check`, { body })) as Checked;

/** The changes that a text without mistakes makes. */
function sound(name: string, { problems, changes }: Checked): readonly string[] {
  if (problems.length > 0) throw new ConfigError(name, problems);
  return changes;
}

interface Applied {
  readonly revision: number;
  readonly changes: readonly string[];
  readonly restarted: readonly string[];
  readonly pending: readonly string[];
}

/** Change the configuration; `name` is what mistakes call the text. */
async function change(data: string, verb: string, wish: unknown, name: string): Promise<Applied> {
  try {
    return (await ask(data, `${CONFIG}/${verb}`, wish)) as Applied;
  } catch (error) {
    if (error instanceof Refused && error.mistakes.length > 0)
      throw new ConfigError(name, error.mistakes);
    throw error;
  }
}

function tell(applied: Applied, json: boolean | undefined): void {
  if (json) {
    printJson(applied);
    return;
  }
  const { revision, changes, restarted, pending } = applied;
  tellChanges(changes);
  for (const name of restarted) print(`restarted ${printable(name)}\n`);
  for (const each of pending) print(`waits: ${printable(each)}\n`);
  say(`revision ${revision} is in force`);
}

const tellChanges = (changes: readonly string[]): void => {
  for (const line of changes.length > 0 ? changes : ["no setting changes"])
    print(`${printable(line)}\n`);
};

const printJson = (answer: unknown): void => print(`${printableJson(JSON.stringify(answer))}\n`);

/** A file as it is, but for a terminal, whose cursor nothing in it may move. */
const onScreen = (body: string): string =>
  process.stdout.isTTY === true ? body.split("\n").map(printable).join("\n") : body;
