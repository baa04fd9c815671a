// SPDX-License-Identifier: BSD-3-Clause
/** Tells a service manager how this process is: sd_notify(3), for units with `Type=notify` and `WatchdogSec=`. @module */
import { dlopen } from "bun:ffi";
import { printable } from "../log.ts";
import { libc } from "./libc.ts";
import { connectDatagram, type SocketAddress, UNIX_PATH_MAX, unixAddress } from "./sockets.ts";

/** Environment as `process.env` has it. */
export type Environment = Record<string, string | undefined>;

/** Send without SIGPIPE. */
const MSG_NOSIGNAL = 0x4000;
const CLOCK_MONOTONIC = 1;
/** systemd ignores a message of more than 4096 bytes; the other lines of one are short. */
const STATUS_BYTES = 2048;
const MICROSECONDS = /^[1-9]\d{0,15}$/;

/**
 * What a service manager is told. Nothing here throws or blocks: what cannot be sent is counted, since a process
 * that works has no reason to end because nobody listens.
 */
export class Notifier {
  /** Messages that did not reach the service manager. */
  failures = 0;
  readonly #address: SocketAddress | undefined;
  /** READY=1 that could not be sent goes with the next message: without it the start times out. */
  #owesReady = false;

  /** Of an address as `$NOTIFY_SOCKET` gives it; without one nothing is ever sent. */
  constructor(socket?: string) {
    if (socket === undefined) return;
    this.#address = addressOf(socket);
    if (!this.#address) this.failures++;
  }

  /** Whether there is a service manager to tell. */
  get active(): boolean {
    return this.#address !== undefined;
  }

  /** It works, or works again after {@link reloading}. */
  ready(status?: string): void {
    this.#owesReady = true;
    this.#send(statusLines(status));
  }

  /** One line for people, as in `systemctl status`. */
  status(text: string): void {
    this.#send(statusLines(text));
  }

  /** It is alive: due at least every {@link watchdogInterval}. */
  watchdog(): void {
    this.#send(["WATCHDOG=1"]);
  }

  /** It takes its configuration anew; {@link ready} has to follow. */
  reloading(): void {
    this.#send(["RELOADING=1", `MONOTONIC_USEC=${monotonic()}`]);
  }

  /** It begins to end. */
  stopping(status?: string): void {
    this.#owesReady = false;
    this.#send(["STOPPING=1", ...statusLines(status)]);
  }

  /** Another process is the service's main one. */
  mainPid(pid: number): void {
    this.#send([`MAINPID=${pid}`]);
  }

  #send(lines: readonly string[]): void {
    if (!this.#address) return;
    const all = this.#owesReady ? ["READY=1", ...lines] : lines;
    if (deliver(this.#address, all.join("\n"))) this.#owesReady = false;
    else this.failures++;
  }
}

/**
 * The notifier of this process. Takes the variable out of `env`: children are not the service, and must not speak
 * for it. Bun.spawn() without `env` hands on the environment as it was at the start, so give it `env: process.env`.
 */
export function notifier(env: Environment = process.env): Notifier {
  const socket = env["NOTIFY_SOCKET"];
  Reflect.deleteProperty(env, "NOTIFY_SOCKET");
  return new Notifier(socket === "" ? undefined : socket);
}

/**
 * Milliseconds between two signs of life: half of what the service manager waits for one, as sd_watchdog_enabled(3)
 * asks for. Undefined when it waits for none, or for another process's.
 */
export function watchdogInterval(env: Environment = process.env): number | undefined {
  const pid = env["WATCHDOG_PID"];
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  const usec = env["WATCHDOG_USEC"] ?? "";
  return MICROSECONDS.test(usec) ? Number(usec) / 2000 : undefined;
}

/** `/path` or `@name` of the abstract namespace (unix(7)); undefined for what is neither. */
function addressOf(socket: string): SocketAddress | undefined {
  const length = Buffer.byteLength(socket);
  if (length < 2 || length > UNIX_PATH_MAX || socket.includes("\0")) return undefined;
  if (socket.startsWith("/")) return unixAddress(socket);
  if (!socket.startsWith("@")) return undefined;
  const { family, bytes, text } = unixAddress(socket);
  // The name of an abstract socket begins with a zero, and all of the address's bytes are part of it.
  const abstract = new Uint8Array(bytes.buffer as ArrayBuffer, 0, bytes.length - 1);
  abstract[2] = 0;
  return { family, bytes: abstract, text };
}

/** A socket for each message: the manager may have made its own anew. Only what it takes at once is sent. */
function deliver(address: SocketAddress, text: string): boolean {
  const fd = connectDatagram(address);
  if (fd < 0) return false;
  const encoded = Buffer.from(text);
  const bytes = new Uint8Array(new ArrayBuffer(encoded.length));
  bytes.set(encoded);
  const sent = Number(libc().send(fd, bytes, bytes.length, MSG_NOSIGNAL));
  libc().close(fd);
  return sent === bytes.length;
}

const statusLines = (text: string | undefined): string[] =>
  text === undefined ? [] : [`STATUS=${cut(printable(text))}`];

/** Text of at most STATUS_BYTES bytes that ends with a whole character. */
function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= STATUS_BYTES) return text;
  let end = STATUS_BYTES;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

/** Microseconds of CLOCK_MONOTONIC, which systemd compares with its own; Bun's clocks begin with the process. */
function monotonic(): bigint {
  const { symbols, close } = dlopen("libc.so.6", {
    clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  });
  const time = new BigInt64Array(new ArrayBuffer(16));
  symbols.clock_gettime(CLOCK_MONOTONIC, time);
  close();
  return time[0]! * 1_000_000n + time[1]! / 1000n;
}
