// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { EXIT, messageOf, NemeanError, usageError } from "../../core/errors.ts";
import { printable } from "../../core/log.ts";
import { FORMATS, type Format, formatOf } from "../../core/threat-list/formats.ts";
import type { Kind } from "../../core/threat-list/matcher.ts";
import { makeFolder } from "../data-folder.ts";
import { checkList, type Findings } from "../threat-lists/check-list.ts";
import { type Definition, readDefinitions } from "../threat-lists/definitions.ts";
import { FetchedLists, type Updated } from "../threat-lists/update.ts";
import { DATA_OPTION } from "./local-api.ts";
import type { Status } from "./options.ts";
import { grouped, print, say } from "./terminal.ts";

interface Flags {
  readonly data: string;
  readonly definitions?: string;
  readonly now?: boolean;
  readonly kind?: Kind;
  readonly format?: Format;
  readonly column?: string;
}

const KINDS: readonly Kind[] = ["ip", "domain", "url"];
const DETECTORS: Readonly<Record<Kind, string>> = {
  ip: "ipblacklist",
  domain: "dnsblacklist",
  url: "urlblacklist",
};

/** `nemean lists`: check threat lists, and fetch them. */
export function listsCommand(program: Command, status: Status): Command {
  const lists = program
    .command("lists")
    .description("Check threat lists, and fetch those that a file names.");
  lists
    .command("check")
    .description("Say what a detector makes of a list; exit code 65 when it is none.")
    .argument("<file>")
    .addOption(new Option("--kind <kind>", "what to look for; all when left out").choices(KINDS))
    .addOption(
      new Option("--format <format>", "as the file's name says when left out").choices(FORMATS),
    )
    .option("--column <name>", "column or member with the values")
    .action((file: string, flags: Flags) => {
      status.code = check(file, flags);
    });
  withFile(lists.command("update"))
    .description("Fetch the lists that are due; exit code 69 when one cannot be had.")
    .argument("[names...]", "only these lists")
    .option("--now", "those that are not due as well")
    .action(async (names: string[], flags: Flags) => {
      status.code = await update(names, flags);
    });
  withFile(lists.command("show"))
    .description("Tell how old each list is, and what to set for the detectors.")
    .action((flags: Flags) => show(flags));
  return lists;
}

const withFile = (command: Command): Command =>
  command
    .option(...DATA_OPTION)
    .option(
      "--definitions <file>",
      "which lists there are; lists.toml in the data folder otherwise",
    );

function check(file: string, { kind, format = formatOf(file), column }: Flags): number {
  let text: string;
  let written: number;
  try {
    text = readFileSync(file, "utf8");
    written = statSync(file).mtimeMs;
  } catch (error) {
    throw new NemeanError("ERR_INPUT", EXIT.noInput, `${file}: ${messageOf(error)}`);
  }
  const found = (kind ? [kind] : KINDS).map((each) => ({
    kind: each,
    findings: checkList({ text, format, column, written }, each),
  }));
  const sound = found.filter(({ findings }) => !findings.isBroken);
  for (const each of kind || sound.length === 0 ? found : sound)
    print(`${each.kind}: ${findingsLine(each.findings)}\n`);
  return sound.length > 0 ? EXIT.ok : EXIT.data;
}

function findingsLine({ entries, bad, unused, complaint, isBroken }: Findings): string {
  const what = isBroken ? "no list of this kind" : `${grouped(entries)} entries`;
  const rest = unused > 0 ? `, ${grouped(unused)} lines of no use` : "";
  const lines = bad > 0 ? `, ${grouped(bad)} bad lines` : "";
  return `${what}${rest}${lines}${complaint === "" ? "" : `; ${printable(complaint)}`}`;
}

function defined({ data, definitions }: Flags): Definition[] {
  return readDefinitions(definitions ?? join(data, "lists.toml"));
}

function fetched({ data }: Flags): FetchedLists {
  makeFolder(data);
  return new FetchedLists(join(data, "lists"));
}

async function update(names: readonly string[], flags: Flags): Promise<number> {
  const all = defined(flags);
  const unknown = names.find((name) => !all.some((list) => list.name === name));
  if (unknown !== undefined)
    throw usageError(
      `no list is called ${unknown}; there are ${all.map(({ name }) => name).join(", ")}`,
    );
  const wanted = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  const folder = fetched(flags);
  const results: Updated[] = [];
  // One after the other: a list may be large, and the machine has traffic to look at.
  await wanted.reduce(async (before, list) => {
    await before;
    const options = { now: Date.now(), isForced: flags.now === true };
    const result = await folder.update(list, options);
    say(`${result.name}: ${result.outcome}: ${result.text}`);
    results.push(result);
  }, Promise.resolve());
  return results.some(({ outcome }) => outcome === "failed") ? EXIT.unavailable : EXIT.ok;
}

function show(flags: Flags): void {
  const folder = fetched(flags);
  const lists = defined(flags).map((list) => ({ list, state: folder.state(list) }));
  for (const { list, state } of lists) {
    const age =
      state && `${ageText(Date.now() - state.checked)} old, ${grouped(state.entries)} entries`;
    const failure =
      state?.failure === undefined ? "" : `; last attempt: ${printable(state.failure)}`;
    print(`${list.name}  ${list.kind}  ${age ?? "not fetched yet"}${failure}\n`);
  }
  for (const kind of KINDS) {
    const files = lists.filter(({ list }) => list.kind === kind).map(({ list }) => list);
    if (files.length > 0)
      print(
        `${DETECTORS[kind]}.lists = "${files.map((list) => sourceText(list, folder)).join(",")}"\n`,
      );
  }
}

/** A list as detectors take it. */
const sourceText = (list: Definition, folder: FetchedLists): string =>
  `${list.name}=${folder.path(list)}${list.column === undefined ? "" : `;column=${list.column}`}`;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function ageText(milliseconds: number): string {
  if (milliseconds < HOUR) return `${Math.max(0, Math.floor(milliseconds / MINUTE))} min`;
  if (milliseconds < 2 * DAY) return `${Math.floor(milliseconds / HOUR)} h`;
  return `${Math.floor(milliseconds / DAY)} d`;
}
