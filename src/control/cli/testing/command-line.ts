// SPDX-License-Identifier: BSD-3-Clause
/** Run the command line as an operator does, on small inputs made here. @module */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaptureWriter } from "../../../core/capture-file/testing/writer.ts";
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, tcp } from "../../../core/packet/test-kit.ts";
import { SECOND } from "../../../core/unirec/time.ts";

export const MAIN = join(import.meta.dir, "../../../main.ts");
const SYN = 2;
const HOSTS = { source: "10.0.0.1", target: "10.0.0.2" };
const START = 1_700_000_000 * SECOND;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Run `nemean` to its end. */
export function nemean(args: readonly string[], stdin?: Uint8Array | string): Ended {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, MAIN, ...args], {
    stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
    timeout: 20_000,
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

/** Run a shell command in which `nemean` is the command line, with its standard output and error as one. */
export function shell(command: string): Ended {
  const script = `nemean() { "${process.execPath}" "${MAIN}" "$@"; }\n${command}`;
  const { exitCode, stdout, stderr } = Bun.spawnSync(["bash", "-o", "pipefail", "-c", script], {
    stdin: "ignore",
    timeout: 20_000,
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

/** A capture in which 10.0.0.1 tries so many ports of 10.0.0.2, one each tenth of a second. */
export function scanCapture(ports: number): Uint8Array {
  const writer = new CaptureWriter();
  for (let i = 0; i < ports; i++) {
    const packet = ipv4(tcp(40_000, 1 + i, SYN), { ...HOSTS, protocol: PROTOCOL.tcp });
    const frame = Uint8Array.from(ethernet(ETHERTYPE.ipv4, packet));
    writer.append(START + (i * SECOND) / 10, frame);
  }
  return writer.bytes();
}

/** A folder for one test file's inputs and outputs. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), "nemean-cli-"));

  /** Write a file; returns its path. */
  file(name: string, content: Uint8Array | string): string {
    const path = this.at(name);
    writeFileSync(path, content);
    return path;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}
