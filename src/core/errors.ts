// SPDX-License-Identifier: BSD-3-Clause

/** Exit codes of sysexits(3) that the command line uses. */
export const EXIT = {
  ok: 0,
  /** Wrong options or arguments. */
  usage: 64,
  /** The input's content is wrong: not a capture, a bad record. */
  data: 65,
  /** An input cannot be opened. */
  noInput: 66,
  unavailable: 69,
  software: 70,
  /** The system lacks something: a library, a kernel facility. */
  os: 71,
  cannotCreate: 73,
  io: 74,
  noPermission: 77,
  config: 78,
} as const;

/** Stable codes: tests, the API and scripts match on these, never on the text. */
export type ErrorCode =
  | "ERR_USAGE"
  | "ERR_PARAM"
  | "ERR_MODULE"
  | "ERR_TEMPLATE"
  | "ERR_FIELD"
  | "ERR_VALUE"
  | "ERR_RECORD_SIZE"
  | "ERR_INPUT"
  | "ERR_CAPTURE_FORMAT"
  | "ERR_CAPTURE"
  | "ERR_LIBRARY"
  | "ERR_OUTPUT"
  | "ERR_SOCKET"
  | "ERR_TRAP"
  | "ERR_PIPELINE"
  | "ERR_STATE"
  | "ERR_STORE"
  | "ERR_CONFIG"
  | "ERR_INTERNAL";

/**
 * An operator's error: one message with what is wrong, where, and the cure.
 * Errors of the wire are counted, never thrown; errors of the program are plain `Error`s.
 */
export class NemeanError extends Error {
  override readonly name = "NemeanError";
  readonly code: ErrorCode;
  readonly exitCode: number;

  constructor(code: ErrorCode, exitCode: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** A wrong option or argument: `usage("--idle: expected seconds, got \"x\"")`. */
export const usageError = (message: string): NemeanError =>
  new NemeanError("ERR_USAGE", EXIT.usage, message);

/** A parameter whose value cannot work: `paramError("port: expected 1 to 65535, got 0")`. */
export const paramError = (message: string): NemeanError =>
  new NemeanError("ERR_PARAM", EXIT.config, message);

/** The text of anything that was thrown. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);
