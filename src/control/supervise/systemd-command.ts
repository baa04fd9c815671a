// SPDX-License-Identifier: BSD-3-Clause
/** systemctl and journalctl as processes, and what their errors mean. @module */
import { messageOf } from "../../core/errors.ts";
import { printable } from "../../core/log.ts";

/** What a command gave. */
export interface Output {
  /** Exit code; null when it could not be run, or was ended since it took too long or said too much. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program with its arguments; never throws. */
export type RunCommand = (argv: readonly string[]) => Promise<Output>;

/** A command that takes longer is ended: systemd answers in milliseconds, or hangs. */
const TIMEOUT_MS = 10_000;
/** Bytes of output past which a command is ended. */
const OUTPUT_BYTES = 16 << 20;
const NO_ANSWER = `no answer within ${TIMEOUT_MS / 1000} s, or too long a one`;

/** Run it as a child, in English, with nothing to type at. */
export const runCommand: RunCommand = async (argv) => {
  try {
    const child = Bun.spawn([...argv], {
      // What is given here also holds for what this process has set since its start.
      env: { ...process.env, LC_ALL: "C", SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
      maxBuffer: OUTPUT_BYTES,
    });
    const texts = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    const [stdout, stderr] = texts;
    if (child.signalCode === null) return { code: child.exitCode, stdout, stderr };
    return { code: null, stdout, stderr: NO_ANSWER };
  } catch (error) {
    return { code: null, stdout: "", stderr: messageOf(error) };
  }
};

/** What went wrong with a command, for an operator. */
export interface Problem {
  /** Equal for all units that one cure helps. */
  readonly kind: string;
  readonly message: string;
}

/** What the tools of systemd say, as a kind of problem with its cure; the first that fits. */
const PROBLEMS: readonly (readonly [kind: string, says: RegExp, cure: string])[] = [
  [
    "missing",
    /Executable not found|ENOENT/,
    "this machine has no systemd: run it with --supervisor embedded",
  ],
  [
    "journal",
    /No journal files were opened/,
    "let the user read the journal: usermod --append --groups systemd-journal nemean",
  ],
  [
    "denied",
    /Access denied|authentication required|Permission denied|polkit|PolicyKit/i,
    "install polkitd, and systemd/nemean.rules in /etc/polkit-1/rules.d; it lets the user nemean do this",
  ],
  [
    "offline",
    /not been booted with systemd|Failed to connect to bus|Failed to get D-Bus connection/,
    "systemd or its D-Bus does not run here: start dbus, or run it with --supervisor embedded",
  ],
  [
    "unit",
    /not found|is masked|bad unit file setting/,
    "install the files of systemd/ in /usr/lib/systemd/system, and run systemctl daemon-reload",
  ],
];

const LINE_END = /\.?\r?\n|\.$/;
const LENGTH = 300;

/** What it means that `what` failed so, and what to do about it. */
export function problemOf(what: string, { code, stderr }: Output): Problem {
  const line = stderr.trim().split(LINE_END, 1)[0]!;
  const said = printable(line === "" ? `exit code ${code}` : line.slice(0, LENGTH));
  const known = PROBLEMS.find(([, says]) => says.test(said));
  const about = `${what}: ${said}`;
  if (!known) return { kind: about, message: about };
  return { kind: known[0], message: `${about}: ${known[2]}` };
}
