// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { EXIT, messageOf, NemeanError, usageError } from "../../core/errors.ts";
import { differences } from "../config/difference.ts";
import { parseConfig, readConfig } from "../config/read.ts";
import { type Revision, Revisions } from "../config/revisions.ts";
import { configSchema } from "../config/schema.ts";
import { configTemplate } from "../config/template.ts";
import { makeFolder, storePath } from "../data-folder.ts";
import type { Status } from "./options.ts";
import { print, say } from "./terminal.ts";

interface Flags {
  readonly data: string;
}

/** `nemean config`: look at configurations, and put one in force. */
export function configCommand(program: Command, _status: Status): Command {
  const config = program
    .command("config")
    .description("Check configuration files; apply, compare and take back configurations.");
  config
    .command("check")
    .description("Check a file, and say all that is wrong with it.")
    .argument("<file>")
    .action(async (file: string) => {
      const { modules } = await readConfig(file);
      say(`${file} is sound: ${modules.length} modules run`);
    });
  config
    .command("schema")
    .description("Print the JSON Schema of configuration files, for editors.")
    .action(async () => print(`${JSON.stringify(await configSchema(), null, 2)}\n`));
  config
    .command("new")
    .description("Print a file to begin with: all settings, and what they are without it.")
    .argument("<interface>", "interface of the tap")
    .action(async (tap: string) => print(await configTemplate(tap)));
  withData(config.command("apply"))
    .description("Check a file and put it in force: nemean up runs it from its next start on.")
    .argument("<file>")
    .action(async (file: string, { data }: Flags) => {
      await readConfig(file);
      using revisions = open(data);
      tell(revisions.apply(text(file), `apply ${file}`));
    });
  withData(config.command("rollback"))
    .description(
      "Put an older revision in force again: the one before the newest when none is named.",
    )
    .argument("[revision]")
    .action(async (wanted: string | undefined, { data }: Flags) => {
      using revisions = open(data);
      const old = wanted === undefined ? before(revisions) : revisions.get(numberOf(wanted));
      await parseConfig(old.body, `revision ${old.id}`);
      tell(revisions.apply(old.body, `rollback to ${old.id}`));
    });
  withData(config.command("list"))
    .description("List the revisions, the newest first.")
    .action(({ data }: Flags) => {
      using revisions = open(data);
      for (const { id, at, reason } of revisions.list())
        print(`${id}  ${new Date(at / 1000).toISOString()}  ${reason}\n`);
    });
  withData(config.command("show"))
    .description("Print a revision's file: the newest when none is named.")
    .argument("[revision]")
    .action((wanted: string | undefined, { data }: Flags) => {
      using revisions = open(data);
      print(revision(revisions, wanted).body);
    });
  withData(config.command("diff"))
    .description(
      "Show which settings differ between the revision in force and a file or another revision.",
    )
    .argument("<file-or-revision>")
    .action(async (other: string, { data }: Flags) => {
      using revisions = open(data);
      const newest = revision(revisions, undefined);
      const from = await parseConfig(newest.body, `revision ${newest.id}`);
      const to = DIGITS.test(other)
        ? await parseConfig(revisions.get(Number(other)).body, `revision ${other}`)
        : await readConfig(other);
      for (const line of differences(from, to)) print(`${line}\n`);
    });
  return config;
}

const DIGITS = /^\d+$/;

const withData = (command: Command): Command =>
  command.option(
    "--data <folder>",
    "where alerts and states are kept",
    process.env["STATE_DIRECTORY"] ?? "nemean-data",
  );

function open(data: string): Revisions {
  makeFolder(data);
  return new Revisions(storePath(data));
}

function numberOf(wanted: string): number {
  if (!DIGITS.test(wanted)) throw usageError(`revision "${wanted}": expected a number`);
  return Number(wanted);
}

function revision(revisions: Revisions, wanted: string | undefined): Revision {
  return wanted === undefined
    ? (revisions.newest() ?? revisions.get(1))
    : revisions.get(numberOf(wanted));
}

function before(revisions: Revisions): Revision {
  const [, second] = revisions.list(2);
  if (second) return revisions.get(second.id);
  throw usageError("there is no revision before the newest");
}

function text(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new NemeanError("ERR_CONFIG", EXIT.noInput, `${join(file)}: ${messageOf(error)}`);
  }
}

const tell = ({ id, reason }: Revision): void => say(`revision ${id} is in force (${reason})`);
