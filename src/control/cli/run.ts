// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync, readSync } from "node:fs";
import type { Command } from "commander";
import { EXIT, messageOf, NemeanError, usageError } from "../../core/errors.ts";
import type { AnyModule } from "../../core/module.ts";
import { OutputPort } from "../../core/port.ts";
import { ModuleRunner } from "../../core/runner.ts";
import { fieldOf, parseTemplate, type Template } from "../../core/unirec/template.ts";
import { TextReader } from "../../core/unirec/text-reader.ts";
import { readTime, SECOND } from "../../core/unirec/time.ts";
import { dashed, help } from "../derive.ts";
import { moduleNamed } from "../modules.ts";
import { paramNamed, parseParam } from "../params.ts";
import { CsvFile } from "../pipeline-run.ts";
import type { Status } from "./options.ts";
import { print, say } from "./terminal.ts";

/** Microseconds by which event time stays behind the latest TIME_LAST of a text input. */
const LATENESS = 30 * SECOND;

/** `nemean run MODULE`: one module on UniRec text, each input from a file, each output to one. */
export function runCommand(program: Command, status: Status): Command {
  return program
    .command("run")
    .description(
      "Run one module on UniRec text: --in FILE, --out FILE, and its parameters as options.",
    )
    .argument("<module>", "name or alias of a module")
    .argument(
      "[options...]",
      "--PARAMETER VALUE, -LETTER VALUE, --in FILE (default -), --out FILE (default -)",
    )
    .allowUnknownOption()
    .helpOption(false)
    .action(async (name: string, options: string[]) => {
      status.code = await run(await moduleNamed(name), options);
    });
}

interface RunPlan {
  readonly params: Record<string, unknown>;
  input: string;
  output: string;
}

const TRUTH = /^(true|false)$/;

/** Options of a module, as its declaration has them. */
export function parseOptions(def: AnyModule, args: readonly string[]): RunPlan {
  const plan: RunPlan = { params: {}, input: "-", output: "-" };
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
  const equals = option.indexOf("=");
  const head = equals < 0 ? option : option.slice(0, equals);
  const given = equals < 0 ? next : option.slice(equals + 1);
  const used = equals < 0 ? 1 : 0;
  const isFile = head === "--in" || head === "--out";
  const param = isFile ? "" : optionParam(def, head);
  // A flag may stand alone.
  if (def.params[param]?.kind === "flag" && used === 1 && !TRUTH.test(next ?? "")) {
    plan.params[param] = true;
    return 0;
  }
  if (given === undefined) throw usageError(`${head}: a value is missing`);
  if (head === "--in") plan.input = given;
  else if (head === "--out") plan.output = given;
  else plan.params[param] = parseParam(def.params[param]!, given, head);
  return used;
}

const optionParam = (def: AnyModule, head: string): string =>
  head.startsWith("--") ? paramNamed(def, head.slice(2), head) : lettered(def, head);

function lettered(def: AnyModule, option: string): string {
  const found = Object.keys(def.params).find((key) => `-${def.params[key]!.flag}` === option);
  if (found) return found;
  const known = Object.keys(def.params).map((key) => `--${dashed(key)}`);
  throw usageError(
    `${option}: ${def.name} has no such option; it has ${[...known, "--in", "--out"].join(", ")}`,
  );
}

async function run(def: AnyModule, options: readonly string[]): Promise<number> {
  if (options.includes("-h") || options.includes("--help")) {
    print(help(def));
    return EXIT.ok;
  }
  const plan = parseOptions(def, options);
  const inputs = Object.keys(def.inputs);
  if (inputs.length !== 1)
    throw usageError(`${def.name} has ${inputs.length} inputs: run it in a pipeline`);
  const runner = new ModuleRunner(def, { params: plan.params });
  const [firstOutput] = Object.values(runner.outputs);
  const csv = firstOutput && new CsvFile(plan.output, firstOutput.template);
  if (csv) firstOutput.link(csv);
  const skipped = feedText(plan.input, runner, inputs[0]!);
  csv?.close();
  if (skipped > 0) say(`${plan.input}: ${skipped} lines skipped`);
  return skipped > 0 ? EXIT.data : EXIT.ok;
}

/** Feed a text file to an input; returns the lines that are no records, each named on standard error. */
function feedText(path: string, runner: ModuleRunner, input: string): number {
  let text: TextReader | undefined;
  let port: OutputPort | undefined;
  let composed: ReturnType<TextReader["writer"]> | undefined;
  let skipped = 0;
  let number = 0;
  const pace = { latest: Number.NEGATIVE_INFINITY, second: Number.NEGATIVE_INFINITY };
  for (const line of linesOf(path)) {
    number++;
    if (line === "") continue;
    if (!text || !port || !composed) {
      text = new TextReader(line);
      port = new OutputPort(input, parseTemplate(text.template.spec));
      runner.inputs[input]!.negotiate(text.template);
      port.link(runner.inputs[input]!);
      composed = text.writer();
      continue;
    }
    try {
      text.read(line, composed);
      composed.end(port.room(composed.size));
      follow(port, text.template, composed.view, pace);
    } catch (error) {
      if (!(error instanceof NemeanError)) throw error;
      skipped++;
      say(`warning: ${path}: line ${number}: ${messageOf(error)}; skipped`);
    }
  }
  if (!port)
    throw new NemeanError(
      "ERR_INPUT",
      EXIT.data,
      `${path}: empty: expected a header "type NAME,..."`,
    );
  port.end();
  return skipped;
}

/** Event time follows the records: it advances with each new second of the latest TIME_LAST. */
function follow(
  port: OutputPort,
  template: Template,
  record: DataView,
  pace: { latest: number; second: number },
): void {
  const field = fieldOf(template, "TIME_LAST");
  if (field?.type !== "time") return;
  pace.latest = Math.max(pace.latest, readTime(record, field.offset));
  const second = Math.floor(pace.latest / SECOND);
  if (second <= pace.second) return;
  pace.second = second;
  port.advance(pace.latest - LATENESS);
}

const CHUNK = 1 << 16;

/** Lines of a file or of standard input, without their ends. */
function* linesOf(path: string): Generator<string> {
  let fd: number;
  try {
    fd = path === "-" ? 0 : openSync(path, "r");
  } catch (error) {
    throw new NemeanError("ERR_INPUT", EXIT.noInput, `cannot read ${path}: ${messageOf(error)}`);
  }
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(CHUNK);
  let rest = "";
  for (;;) {
    const read = readSync(fd, chunk, 0, CHUNK, null);
    if (read === 0) break;
    const lines = (rest + decoder.decode(chunk.subarray(0, read), { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") yield rest;
  if (fd !== 0) closeSync(fd);
}
