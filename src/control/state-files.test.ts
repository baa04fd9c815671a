// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { NemeanError } from "../core/errors.ts";
import { defineModule, param } from "../core/module.ts";
import { ModuleRunner } from "../core/runner.ts";
import { template } from "../core/unirec/template.ts";
import { Folder } from "./cli/testing/command-line.ts";
import { restoreState, saveState } from "./state-files.ts";

const folder = new Folder();
afterAll(() => folder.remove());

/** What each module made below keeps. */
const columns: Uint32Array[] = [];

function runnerOf(rows: number): { runner: ModuleRunner; column: Uint32Array } {
  const def = defineModule({
    name: "keeper",
    about: "Keeps numbers.",
    params: { rows: param.count({ default: 4, about: "Rows" }) },
    inputs: { flows: template("ipaddr SRC_IP") },
    outputs: {},
    setup({ params, state }) {
      columns.push(state.column("kept", "uint32", params.rows));
      return { flows: () => {} };
    },
  });
  const runner = new ModuleRunner(def, { params: { rows } });
  return { runner, column: columns.at(-1)! };
}

/** Restore into a new module; returns what it then keeps and the warnings. */
function restored(path: string, rows = 4): { kept: number[]; warnings: string[] } {
  const { runner, column } = runnerOf(rows);
  const warnings: string[] = [];
  restoreState(path, [runner], (message) => warnings.push(message));
  return { kept: [...column], warnings };
}

function save(path: string): void {
  const { runner, column } = runnerOf(4);
  column.set([1, 2, 3, 4]);
  saveState(path, [runner]);
}

test("saveState makes the folder and leaves whole files only; restoreState takes them back", () => {
  const path = folder.at("deep/state");
  save(path);
  expect(readdirSync(path)).toEqual(["keeper.state"]);
  expect(restored(path)).toEqual({ kept: [1, 2, 3, 4], warnings: [] });
});

test("restoreState is silent where nothing was kept", () => {
  expect(restored(folder.at("none"))).toEqual({ kept: [0, 0, 0, 0], warnings: [] });
});

test("restoreState starts empty, with one warning, for other parameters", () => {
  const path = folder.at("other");
  save(path);
  const { kept, warnings } = restored(path, 5);
  expect(kept).toEqual([0, 0, 0, 0, 0]);
  expect(warnings).toEqual([
    `keeper starts empty: ${path}/keeper.state was kept with other parameters or by another version`,
  ]);
});

test("restoreState starts empty, with one warning, for a damaged file and for none at all", () => {
  const path = folder.at("damaged");
  save(path);
  writeFileSync(`${path}/keeper.state`, "not a state");
  expect(restored(path).warnings).toHaveLength(1);
  rmSync(`${path}/keeper.state`);
  mkdirSync(`${path}/keeper.state`);
  const { kept, warnings } = restored(path);
  expect(kept).toEqual([0, 0, 0, 0]);
  expect(warnings[0]).toStartWith(`keeper starts empty: ${path}/keeper.state: EISDIR`);
});

test("saveState names module and file when it cannot write", () => {
  const path = folder.file("a-file", "in the way");
  let error: unknown;
  try {
    save(`${path}/state`);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(NemeanError);
  expect(error).toMatchObject({ code: "ERR_STATE", exitCode: 74 });
  expect((error as Error).message).toContain(`state of keeper in ${path}/state/keeper.state`);
  expect(existsSync(`${path}/state`)).toBe(false);
});
