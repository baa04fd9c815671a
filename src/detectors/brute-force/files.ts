// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";
import { type Config, readConfig } from "./config.ts";
import type { Setup } from "./fields.ts";
import { Whitelist } from "./whitelist.ts";

/** What the operator's files say. */
export interface Files {
  readonly config: Config;
  readonly whitelist: Whitelist;
}

/** Read the files that are named, or take what holds without them. Throws ERR_INPUT when one cannot be read. */
export function readFiles({ params, warn }: Setup): Files {
  const config = readConfig(textOf("config", params.config), warn);
  const text = textOf("whitelist", params.whitelist);
  const whitelist =
    params.compat === "nemea" ? Whitelist.parseOriginal(text) : Whitelist.parse(text, warn);
  if (params.verbose) warn(`${whitelist.size} rules in the whitelist`);
  return { config, whitelist };
}

/** The same while at work: what cannot be read leaves things as they are. */
export function readAgain(context: Setup, former: Files): Files {
  try {
    return readFiles(context);
  } catch (error) {
    context.warn(messageOf(error));
    return former;
  }
}

function textOf(what: string, path: string): string {
  if (path === "") return "";
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new NemeanError(
      "ERR_INPUT",
      EXIT.noInput,
      `brute-force: cannot read ${what} ${path}: ${messageOf(error)}`,
      error,
    );
  }
}
