// SPDX-License-Identifier: BSD-3-Clause
import { dlopen } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import { libc } from "../../../core/net/libc.ts";
import { findLink } from "../links.ts";

const CLONE_NEWNET = 0x40000000;
const NAMESPACE_CALLS = {
  unshare: { args: ["i32"], returns: "i32" },
  setns: { args: ["i32", "i32"], returns: "i32" },
} as const;

/**
 * Moves this thread into a network namespace of its own, where `left` and `right` are the two ends of a
 * cable. Sockets opened and commands started from now on live in there; the kernel deletes it afterwards.
 */
export class Network implements Disposable {
  readonly #calls = dlopen("libc.so.6", NAMESPACE_CALLS).symbols;
  readonly #before = openSync("/proc/thread-self/ns/net", "r");

  constructor() {
    if (this.#calls.unshare(CLONE_NEWNET) !== 0) {
      closeSync(this.#before);
      throw new Error("unshare(CLONE_NEWNET) failed");
    }
    try {
      // Without IPv6, whose neighbour and router messages would be counted with the tests' frames.
      Bun.spawnSync(["sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"]);
      this.ip("link set lo up");
      this.connect();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Lay the cable. */
  connect(): void {
    this.ip("link add left type veth peer name right");
    this.ip("link set left up");
    this.ip("link set right up");
  }

  /** Run an `ip` command, words divided by blanks. */
  ip(command: string): void {
    const { exitCode, stderr } = Bun.spawnSync(["ip", ...command.split(" ")]);
    if (exitCode !== 0) throw new Error(`ip ${command}: ${stderr.toString()}`);
  }

  [Symbol.dispose](): void {
    const status = this.#calls.setns(this.#before, CLONE_NEWNET);
    closeSync(this.#before);
    if (status !== 0) throw new Error("setns() back to the first network namespace failed");
  }
}

/** Why a namespace cannot be made here, or undefined when it can. */
export function networkObstacle(): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  if (Bun.which("ip") === null) return "needs ip of iproute2";
  try {
    new Network()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const AF_PACKET = 17;
const SOCK_RAW = 3;

/** Sends frames as they are, on an interface. */
export class FrameSender implements Disposable {
  readonly #fd = libc().socket(AF_PACKET, SOCK_RAW, 0);
  /** Frames that were sent. */
  sent = 0;

  constructor(name: string) {
    const address = new DataView(new ArrayBuffer(20));
    address.setUint16(0, AF_PACKET, true);
    address.setInt32(4, findLink(name)?.index ?? -1, true);
    if (libc().bind(this.#fd, new Uint8Array(address.buffer), 20) !== 0)
      throw new Error(`cannot send on ${name}`);
  }

  /** Returns whether it was sent: an interface that is down sends nothing. */
  send(frame: Uint8Array): boolean {
    const sent = Number(libc().send(this.#fd, frame, frame.length, 0)) === frame.length;
    if (sent) this.sent++;
    return sent;
  }

  [Symbol.dispose](): void {
    libc().close(this.#fd);
  }
}

/** Frames of a flood, at most: a test that fails must leave nothing running behind. */
const FLOOD_FRAMES = 3_000_000;

/** A process that sends frames as fast as it can, until it is disposed of. */
export class Flood implements AsyncDisposable {
  readonly #sender: Bun.Subprocess;

  constructor(name: string) {
    const code = `import { FrameSender } from "${import.meta.path}";
      const [sender, frame] = [new FrameSender("${name}"), new Uint8Array(1000)];
      for (let i = 0; i < ${FLOOD_FRAMES}; i++) sender.send(frame);`;
    const quiet = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    this.#sender = Bun.spawn([process.execPath, "-e", code], quiet);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender.kill("SIGKILL");
    await this.#sender.exited;
  }
}
