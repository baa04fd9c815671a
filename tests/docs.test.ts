// SPDX-License-Identifier: BSD-3-Clause
// What the documents tell readers to type, and the configurations they show, held against the product.
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, posix } from "node:path";
import { Command } from "commander";
import { networkObstacle } from "../src/collectors/live/testing/network.ts";
import { parseOptions } from "../src/control/cli/run-options.ts";
import { parseConfig } from "../src/control/config/read.ts";
import { modulesNamed } from "../src/control/modules.ts";
import type { Alert } from "../src/core/alert.ts";
import { parseTime } from "../src/core/unirec/time.ts";
import { syslogMessage } from "../src/exporters/formats/syslog.ts";
import { FACILITIES } from "../src/exporters/syslog/facilities.ts";
import { commandLines, shellLines, tomlBlocks } from "./docs/commands.ts";
import { readProject } from "./tidy/project.ts";

const ROOT = join(import.meta.dir, "..");
const CLI = join(ROOT, "src/control/cli");
const project = readProject(ROOT);
const documents = [...project.keys()].filter((path) =>
  /^(README\.md|docs\/.*\.md|systemd\/.*\.md|src\/control\/.*\.md)$/.test(path),
);
const lines = documents.flatMap((path) => commandLines(path, project.get(path)!));

/** The command line as it is, without running anything of it. */
async function wholeProgram(): Promise<Command> {
  const program = new Command("nemean").helpCommand(false);
  const files = readdirSync(CLI).filter((name) => name.endsWith(".ts") && !name.includes(".test"));
  const loaded = (await Promise.all(files.map((name) => import(join(CLI, name))))) as Record<
    string,
    unknown
  >[];
  for (const [name, add] of loaded.flatMap((module) => Object.entries(module)))
    if (/^[a-z]+Command$/.test(name))
      (add as (program: Command, status: object) => void)(program, {});
  return program;
}

/** What is wrong with a command line; undefined when the product takes it. */
async function mistakeIn(
  program: Command,
  words: readonly string[],
  isWhole: boolean,
): Promise<string | undefined> {
  let command = program;
  let at = 0;
  for (let next: Command | undefined; at < words.length; at++) {
    next = command.commands.find((each) => each.name() === words[at]);
    if (!next) break;
    command = next;
  }
  const rest = words.slice(at);
  if (command === program) return rest.length === 0 ? undefined : `there is no command ${rest[0]}`;
  if (command.name() === "run" && rest.length > 0) return await mistakeInRun(rest);
  const operands: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i]!;
    if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      continue;
    }
    const [name, value] = word.split("=", 2);
    const option = command.options.find(({ long, short }) => long === name || short === name);
    if (!option) return `${command.name()} has no option ${name}`;
    if (!option.required || value !== undefined) continue;
    const given = rest[++i];
    if (isWhole && given === undefined) return `${name} wants a value`;
    if (given !== undefined && option.argChoices && !option.argChoices.includes(given))
      return `${name} does not take ${given}`;
  }
  const declared = command.registeredArguments;
  if (operands.length > declared.length && !declared.at(-1)?.variadic)
    return `${command.name()} takes no ${operands[declared.length]}`;
  if (isWhole && operands.length < declared.filter(({ required }) => required).length)
    return `${command.name()} wants more`;
  if (isWhole && command.commands.length > 0) return `${command.name()} wants a command`;
  return undefined;
}

async function mistakeInRun([name, ...options]: readonly string[]): Promise<string | undefined> {
  if (/^[A-Z]+$/.test(name!)) return undefined;
  const [def] = await modulesNamed([name!]);
  try {
    parseOptions(
      def!,
      options.filter((word) => word !== "…"),
    );
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
}

describe("commands in documents", () => {
  let program: Command;
  beforeAll(async () => {
    program = await wholeProgram();
  });

  test("there are as many as one would think, of all commands that readers need", () => {
    const named = new Set(lines.map(({ words }) => words[0]));
    expect([...named]).toEqual(
      expect.arrayContaining([
        "up",
        "demo",
        "replay",
        "meter",
        "run",
        "ctl",
        "config",
        "doctor",
        "top",
        "link",
      ]),
    );
    expect(lines.length).toBeGreaterThan(60);
  });

  test("commands and options are those that the product has", async () => {
    const wrong: string[] = [];
    for (const { place, words, isWhole } of lines) {
      const mistake = await mistakeIn(program, words, isWhole);
      if (mistake !== undefined) wrong.push(`${place}: nemean ${words.join(" ")}: ${mistake}`);
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    ["up -I eth0 --idle 5", undefined],
    ["up -I eth0 --idel 5", "up has no option --idel"],
    ["upp", "there is no command upp"],
    ["up eth0", "up takes no eth0"],
    ["up --supervisor runit", "--supervisor does not take runit"],
    ["ctl config apply", "apply wants more"],
    ["ctl", "ctl wants a command"],
    ["run logger --colour", expect.stringContaining("colour")],
  ])("nemean %s is judged as it should be", async (line, verdict) => {
    expect(await mistakeIn(program, line.split(" "), true)).toEqual(verdict);
  });

  test("scripts that documents run by npm or Bun are in package.json", () => {
    const { scripts } = JSON.parse(project.get("package.json")!) as {
      scripts: Record<string, string>;
    };
    const named = documents.flatMap((path) =>
      [...project.get(path)!.matchAll(/\b(?:npm|bun) run (?:--silent )?([\w:]+)/g)].map(
        ([, name]) => name!,
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect([...new Set(named)].filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

describe("commandLines", () => {
  const found = (text: string) => commandLines("a.md", text).map(({ words }) => words.join(" "));

  test("commandLines reads blocks and code in sentences, and no output", () => {
    const text = [
      "Say `nemean top` or `nemean ctl`.",
      "",
      "    npm run --silent nemean -- ctl user-add root admin < password",
      "    X=1 nemean run logger -t   # comment",
      "    echo secret | nemean ctl users",
      "    npm run demo -- --once",
      "",
      "```text",
      "nemean nothing",
      "```",
      "",
      "```sh",
      "nemean config new eth0 > nemean.toml",
      "```",
    ].join("\n");
    expect(found(text)).toEqual([
      "top",
      "ctl",
      "ctl user-add root admin",
      "run logger -t",
      "ctl users",
      "demo --once",
      "config new eth0",
    ]);
  });

  test("commandLines takes quotes off", () => {
    expect(found("    nemean meter -p '(dns,passivedns),http'")).toEqual([
      "meter -p (dns,passivedns),http",
    ]);
  });
});

describe("configurations in documents", () => {
  const blocks = documents.flatMap((path) => tomlBlocks(path, project.get(path)!));

  test("there are some in each of the places where one looks for them", () => {
    const places = blocks.map(({ place }) => place.split(":")[0]);
    expect(places).toEqual(
      expect.arrayContaining([
        "docs/configuration.md",
        "docs/siem/wazuh.md",
        "docs/how-to/pipeline.md",
      ]),
    );
  });

  test.each(blocks.map(({ place, text }) => [place, text]))(
    "%s is a sound configuration",
    async (place, text) => {
      const tap = text.includes("[[sources]]") ? "" : '[[sources]]\ninterface = "eth0"\n';
      // Only tables may follow a table: what a page leaves out comes last.
      await parseConfig(`${text}\n${tap}`, place);
    },
  );
});

const needs = networkObstacle() ?? (Bun.which("unshare") === null ? "needs unshare" : undefined);

describe("the tutorial", () => {
  const text = project.get("docs/tutorial.md")!;
  const typed = shellLines(text);
  const taking = (start: string): string[] => typed.filter((line) => line.startsWith(start));

  test.skipIf(needs !== undefined)(
    `the tutorial's scan, typed as it stands there, gives the alert that it shows${needs === undefined ? "" : ` (skipped: ${needs})`}`,
    async () => {
      const [up] = taking("npm run nemean -- up -I tap0");
      const [scan] = taking("for p in");
      const folder = mkdtempSync(join(tmpdir(), "nemean-tutorial-"));
      const script = [
        // Names of namespaces are the machine's: these are seen by this script alone.
        "mount -t tmpfs none /run && ip link set lo up",
        ...taking("ip ").filter((line) => !line.startsWith("ip netns del")),
        `${up!.replace("npm run nemean --", '"$BUN" src/main.ts')} --port 0 --data "$FOLDER/data" > "$FOLDER/out" 2> "$FOLDER/said" &`,
        "up=$!",
        'until grep -qs "^capturing from tap0" "$FOLDER/said"; do kill -0 $up && sleep 0.1 || exit 1; done',
        scan!,
        'until grep -qs . "$FOLDER/out"; do kill -0 $up && sleep 0.1 || exit 1; done',
        "kill $up; wait $up",
        ...taking("ip netns del"),
      ];
      const { exitCode, stderr } = Bun.spawnSync(
        ["unshare", "--net", "--mount", "bash", "-c", script.join("\n")],
        {
          cwd: ROOT,
          env: { ...process.env, BUN: process.execPath, FOLDER: folder },
          timeout: 60_000,
        },
      );
      const read = (name: string): string => readFileSync(join(folder, name), "utf8");
      expect([exitCode, stderr.toString()]).toEqual([0, ""]);
      const [alert] = read("out").split("\n");
      expect(JSON.parse(alert!)).toMatchObject({
        detector: "vportscan",
        source: { ip: "10.9.0.2" },
        target: { ip: "10.9.0.1" },
        threshold: 50,
      });
      expect(text).toContain((JSON.parse(alert!) as { reason: string }).reason);
      rmSync(folder, { recursive: true });
    },
    90_000,
  );
});

describe("pages of SIEM products", () => {
  const pages = documents.filter((path) => /^docs\/siem\/(?!README)/.test(path));
  const sample = (format: string): string =>
    new RegExp(`## ${format}\n\n\`\`\`text\n(.*)\n`).exec(
      project.get("docs/exporters/samples.md")!,
    )![1]!;

  test.each(pages)("%s says whether it was tested, and the index says the same", (path) => {
    const [, state] = /^State: (tested|untested)\b/m.exec(project.get(path)!) ?? [];
    const row = new RegExp(`\\(${basename(path)}\\) \\|.*\\| (tested|untested)\\b`);
    expect(row.exec(project.get("docs/siem/README.md")!)?.[1]).toBe(state!);
  });

  test.each(pages.filter((path) => !path.endsWith("rsyslog.md")))(
    "%s shows a line as it arrives",
    (path) => {
      expect(project.get(path)).toContain(`\`\`\`text\n${sample("eve")}\n\`\`\``);
    },
  );

  test("docs/siem/rsyslog.md shows a message as it arrives", () => {
    const { detectTime, ...shown } = JSON.parse(sample("json")) as Record<string, unknown>;
    const alert = { ...shown, detectTime: parseTime(String(detectTime)) } as Alert;
    const place = { host: "sensor-1", version: "0.1.0" };
    const message = syslogMessage(sample("cef"), alert, place, FACILITIES.local0);
    expect(project.get("docs/siem/rsyslog.md")).toContain(
      `\`\`\`text\n${Buffer.from(message)}\n\`\`\``,
    );
  });
});

test("links to a heading lead to one", () => {
  // As GitHub names headings: small letters, blanks as dashes, no other signs.
  const slugs = (text: string): string[] =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\p{L}\d _-]/gu, "")
        .replaceAll(" ", "-"),
    );
  const links = documents.flatMap((path) =>
    [...project.get(path)!.matchAll(/\]\(([^)#\s:]*)#([^)\s]+)\)/g)].map(([, file, slug]) => ({
      path,
      target: file === "" ? path : posix.join(posix.dirname(path), file!),
      slug: slug!,
    })),
  );
  expect(links.length).toBeGreaterThan(0);
  const wrong = links.filter(
    ({ target, slug }) => !slugs(project.get(target) ?? "").includes(slug),
  );
  expect(wrong).toEqual([]);
});
