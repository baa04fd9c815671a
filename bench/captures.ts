// SPDX-License-Identifier: BSD-3-Clause
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type RealParams, writeReal } from "./capture/real.ts";
import { type ShortParams, writeShort } from "./capture/short.ts";
import { type SyntheticParams, writeSynthetic } from "./capture/synthetic.ts";

/** Raise it when the bytes that a generator writes change. */
const VERSION = 1;

const { NEMEAN_SHARED = "../shared" } = process.env;
const ROOT = resolve(import.meta.dir, "..");
/** Where the captures live: beside the sources, ignored by git. */
export const CACHE_DIR = join(ROOT, ".cache", "bench");

/** The facts of a generated capture. `flows` and `bytes` (IP layer) only where they are known. */
export interface CaptureTruth {
  readonly packets: number;
  readonly flows?: number;
  readonly bytes?: number;
}

/** What lies beside a capture as NAME.json. */
interface Sidecar {
  readonly version: number;
  readonly params: SyntheticParams | RealParams | ShortParams;
  /** Bytes of the file. */
  readonly size: number;
  readonly truth: CaptureTruth;
}

export interface Capture {
  readonly name: string;
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly truth: CaptureTruth;
}

interface Recipe {
  readonly params: SyntheticParams | RealParams | ShortParams;
  readonly write: (path: string) => { truth: CaptureTruth; size: number };
}

const synthetic = (params: SyntheticParams): Recipe => ({
  params,
  write: (path) => writeSynthetic(path, params),
});

const real = (params: RealParams): Recipe => ({
  params,
  write: (path) => writeReal(path, params, resolve(ROOT, NEMEAN_SHARED)),
});

const short = (params: ShortParams): Recipe => ({
  params,
  write: (path) => writeShort(path, params),
});

const RECIPES: Readonly<Record<string, Recipe>> = {
  h1M: synthetic({ flows: 1_000_000, packets: 8_000_000, capturedMax: 96, seed: 1 }),
  h8M: synthetic({ flows: 8_000_000, packets: 16_000_000, capturedMax: 96, seed: 8 }),
  real: real({ sizeMin: 1e9, gapMax: 60e6, seed: 1 }),
  short: short({ conversations: 1_000_000, seed: 1 }),
};

export const CAPTURE_NAMES: readonly string[] = Object.keys(RECIPES);

const readSidecar = (path: string): Sidecar | undefined => {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Sidecar;
  } catch {
    return undefined;
  }
};

const writePart = (recipe: Recipe, part: string): ReturnType<Recipe["write"]> => {
  try {
    return recipe.write(part);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
};

/** Gives the capture `name`, writing it first when it is absent or was made by other parameters. */
export const ensureCapture = (name: string): Capture => {
  const recipe = RECIPES[name];
  if (recipe === undefined) {
    throw new RangeError(`capture ${name}: expected one of ${CAPTURE_NAMES.join(", ")}`);
  }
  const path = join(CACHE_DIR, `${name}.pcap`);
  const sidecarPath = join(CACHE_DIR, `${name}.json`);
  const known = readSidecar(sidecarPath);
  const current =
    known !== undefined &&
    known.version === VERSION &&
    isDeepStrictEqual(known.params, recipe.params) &&
    existsSync(path) &&
    statSync(path).size === known.size;
  if (current) return { name, path, size: known.size, truth: known.truth };

  mkdirSync(CACHE_DIR, { recursive: true });
  // Written under another name first: a killed run leaves no half capture that looks whole.
  const part = `${path}.${process.pid}.part`;
  const { truth, size } = writePart(recipe, part);
  renameSync(part, path);
  const sidecar: Sidecar = { version: VERSION, params: recipe.params, size, truth };
  writeFileSync(sidecarPath, `${JSON.stringify(sidecar, null, 2)}\n`);
  return { name, path, size, truth };
};

if (import.meta.main) {
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : CAPTURE_NAMES) {
    console.log(JSON.stringify(ensureCapture(name)));
  }
}
