// SPDX-License-Identifier: BSD-3-Clause
import { readFileSync } from "node:fs";
import { join } from "node:path";

const WEB = join(import.meta.dir, "../../../web");

/** What a browser is given for the console. */
export interface ConsoleAssets {
  readonly html: string;
  readonly js: string;
  readonly css: string;
}

/** Bundle one entry; a process of its own, since a macro runs inside the bundler, which cannot be entered twice. */
function bundle(entry: string): string {
  const command = [process.execPath, "build", join(WEB, entry), "--production", "--target=browser"];
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, { cwd: WEB });
  if (exitCode !== 0) throw new Error(`${entry}: ${stderr.toString()}`);
  return stdout.toString();
}

/**
 * Build the console from web/. A macro: it runs when its importer is loaded from source or bundled, and what it returns
 * takes the place of the call. So a bundled product has the console inside and needs no sources.
 */
export function buildConsole(): ConsoleAssets {
  const html = readFileSync(join(WEB, "index.html"), "utf8");
  return { html, js: bundle("main.tsx"), css: bundle("app.css") };
}
