// SPDX-License-Identifier: BSD-3-Clause
/** `nemean ctl` on processes, modules and links. @module */
import type { Command } from "commander";
import { usageError } from "../../core/errors.ts";
import { printable } from "../../core/log.ts";
import { type Answers, ask, DATA_OPTION, get } from "./local-api.ts";
import { grouped, print, say } from "./terminal.ts";

interface Flags {
  readonly data: string;
  readonly json?: boolean;
}

type Row = readonly string[];

const MB = 1 << 20;
const TITLES: Row = ["PROCESS", "STATE", "PID", "CPU", "MEMORY", "RESTARTS", ""];

/** Add what looks at processes, and works them. */
export function addProcessCommands(ctl: Command): void {
  const add = (name: string, about: string): Command =>
    ctl
      .command(name)
      .description(about)
      .option(...DATA_OPTION)
      .option("--json", "what the API answers, as it is");
  add(
    "processes",
    "The processes: state, CPU seconds, memory, restarts, and why one failed.",
  ).action(async ({ data, json }: Flags) => {
    const { items } = await get(data, "/api/v1/processes");
    if (json) print(`${JSON.stringify(items)}\n`);
    else print(columns([TITLES, ...items.map(processRow)]));
  });
  for (const act of ["start", "stop", "restart"])
    add(act, `${act[0]!.toUpperCase()}${act.slice(1)} a process.`)
      .argument("<process>", "its name, as `nemean ctl processes` shows it")
      .action(async (name: string, { data, json }: Flags) => {
        const known = (await get(data, "/api/v1/processes")).items.map((each) => each.name);
        if (!known.includes(name) || name === "control")
          throw usageError(
            `no process "${name}"; there are ${known.filter((each) => each !== "control").join(", ")}`,
          );
        const answer = await ask(data, `${pathOf(name)}/${act}`, {});
        if (json) print(`${JSON.stringify(answer)}\n`);
        else say(`${name}: ${act}, as asked; nemean ctl processes shows what comes of it`);
      });
  add("logs", "The latest lines that a process has written.")
    .argument("<process>")
    .action(async (name: string, { data, json }: Flags) => {
      const { items } = (await ask(data, `${pathOf(name)}/logs`)) as Log;
      if (json) print(`${JSON.stringify(items)}\n`);
      else
        for (const { at, level, message } of items)
          print(`${at}  ${level.padEnd(7)}  ${printable(message)}\n`);
    });
  add("stats", "What modules take and send, and what is lost on the links between them.").action(
    async ({ data, json }: Flags) => {
      const { items: modules } = await get(data, "/api/v1/modules");
      const { items: links } = await get(data, "/api/v1/links");
      if (json) print(`${JSON.stringify({ modules, links })}\n`);
      else print(`${modulesTable(modules)}\n${linksTable(links)}`);
    },
  );
}

interface Log {
  readonly items: readonly {
    readonly at: string;
    readonly level: string;
    readonly message: string;
  }[];
}

const pathOf = (name: string): string => `/api/v1/processes/${encodeURIComponent(name)}`;

function processRow(each: Answers["/api/v1/processes"]["items"][number]): Row {
  const { name, state, pid, cpu, memory, restarts, reason, retryAt } = each;
  const why = state === "failed" ? (reason ?? "") : "";
  const next = retryAt === null ? "" : `; again at ${retryAt}`;
  const id = pid === null ? "-" : String(pid);
  return [
    name,
    state,
    id,
    `${cpu.toFixed(1)} s`,
    `${Math.round(memory / MB)} MB`,
    String(restarts),
    why + next,
  ];
}

const sum = (counts: Readonly<Record<string, number>>): string =>
  grouped(Object.values(counts).reduce((total, count) => total + count, 0));

const modulesTable = (modules: Answers["/api/v1/modules"]["items"]): string =>
  columns([
    ["MODULE", "PROCESS", "IN", "OUT", "CPU"],
    ...modules
      .filter(({ enabled }) => enabled)
      .map(({ name, process, inputs, outputs, busy }) => [
        name,
        process ?? "-",
        sum(inputs),
        sum(outputs),
        `${busy.toFixed(1)} s`,
      ]),
  ]);

const linksTable = (links: Answers["/api/v1/links"]["items"]): string =>
  columns([
    ["FROM", "TO", "BY", "RECORDS", "LOST", "WAIT"],
    ...links.map(({ from, to, via, records, dropped, queued }) => [
      from,
      to,
      via,
      grouped(records),
      grouped(dropped),
      queued === null ? "-" : grouped(queued),
    ]),
  ]);

/** Rows below one another, each column as wide as its widest cell. */
function columns(rows: readonly Row[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => printable(row[i]!).length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => printable(cell).padEnd(widths[i]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
