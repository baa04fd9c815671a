// SPDX-License-Identifier: BSD-3-Clause
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

/** Where recorded originals and real captures lie, when they are there. */
export const SHARED = resolve(
  process.env["NEMEAN_SHARED"] ?? join(import.meta.dir, "../../../../shared"),
);

/** Whether a part of it is there, and what a skipped test says when it is not. */
export const hasShared = (path = ""): boolean => existsSync(join(SHARED, path));
export const NO_SHARED = "skipped: no shared folder (set NEMEAN_SHARED)";

export const sharedPath = (...parts: string[]): string => join(SHARED, ...parts);
