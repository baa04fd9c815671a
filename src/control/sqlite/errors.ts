// SPDX-License-Identifier: BSD-3-Clause
/** Why one of the product's files cannot be used, in one message with the cure: alike for all of them. @module */
import { SQLiteError } from "bun:sqlite";
import { EXIT, messageOf, NemeanError } from "../../core/errors.ts";

export const FOREIGN = "is the database of another program; choose another path";
export const NEWER =
  "was written by a newer version of Nemean; run that version, or choose another path";

/** An `ERR_STORE`: `file` is what the file is to the operator, `what` what is wrong and the cure. */
export const storeError = (
  { file, path }: { readonly file: string; readonly path: string },
  what: string,
  exit: number = EXIT.config,
  cause?: unknown,
): NemeanError => new NemeanError("ERR_STORE", exit, `${file}: ${path} ${what}`, cause);

/** Why a file could not be opened; `damaged` is the cure for one that is broken. */
export function openError(
  of: { readonly file: string; readonly path: string },
  error: unknown,
  damaged = "move it away to start anew",
): NemeanError {
  if (error instanceof NemeanError) return error;
  const code = error instanceof SQLiteError ? (error.code ?? "") : "";
  if (code === "SQLITE_NOTADB")
    return storeError(of, "is not a database; choose another path", EXIT.config, error);
  if (code === "SQLITE_CORRUPT") return storeError(of, `is damaged; ${damaged}`, EXIT.io, error);
  if (code === "SQLITE_BUSY")
    return storeError(of, "is locked by another process; end that one first", EXIT.unavailable);
  return storeError(
    of,
    `cannot be opened (${messageOf(error)}); its folder must exist, be writable and have room`,
    EXIT.cannotCreate,
    error,
  );
}
