// SPDX-License-Identifier: BSD-3-Clause
/** Interface specifiers: `u:flows,t:collector:9000` (trap.md section 1, modules.md D1). @module */
import { EXIT, NemeanError } from "../errors.ts";
import type { TlsFiles } from "../net/tls.ts";

/** How long an output waits for slow receivers: for ever, for ever once there are any, not at all, or microseconds. */
export type Timeout = "WAIT" | "HALF_WAIT" | "NO_WAIT" | number;

interface Common {
  /** As the operator wrote it. */
  readonly text: string;
  /** What the operator says overrides the module's own choice; undefined leaves it to the module. */
  readonly timeout: Timeout | undefined;
}

export type InputSpec = Common &
  (
    | { readonly type: "u"; readonly name: string; readonly containerMax: number }
    | {
        readonly type: "t" | "T";
        readonly host: string;
        readonly port: string;
        readonly containerMax: number;
        readonly tls: TlsFiles | undefined;
      }
    | { readonly type: "f"; readonly pattern: string; readonly containerMax: number }
    | { readonly type: "g"; readonly message: string }
  );

interface OutputCommon extends Common {
  /** Whether messages are packed into containers; each goes out alone otherwise. */
  readonly buffer: boolean;
  /** Microseconds after which a part-filled container goes out; Infinity for never. */
  readonly autoflush: number;
}

interface SocketCommon extends OutputCommon {
  readonly maxClients: number;
  /** Containers that wait for a receiver at most. */
  readonly bufferCount: number;
  /** Most bytes of a container, header and all. */
  readonly bufferSize: number;
}

export type SocketOutputSpec = SocketCommon &
  (
    | {
        readonly type: "u";
        readonly name: string;
        readonly mode: number;
        readonly group: string | undefined;
      }
    | {
        readonly type: "t" | "T";
        /** Address to listen on; all when undefined. */
        readonly host: string | undefined;
        readonly port: string;
        readonly tls: TlsFiles | undefined;
      }
  );

export type FileOutputSpec = OutputCommon & {
  readonly type: "f";
  /** May hold strftime(3) conversions. */
  readonly path: string;
  readonly append: boolean;
  /** Minutes after which another file begins. */
  readonly minutes: number | undefined;
  /** Megabytes (2^20) after which another file begins. */
  readonly megabytes: number | undefined;
};

export type OutputSpec =
  | SocketOutputSpec
  | FileOutputSpec
  | (OutputCommon & { readonly type: "b" });

/** The original's defaults (trap.md section 1), but for the timeout, which is the module's to choose. */
const AUTOFLUSH = 2_000_000;
const CLIENTS = 64;
const CLIENTS_MAX = 1024;
const BUFFERS = 50;
const BUFFERS_MAX = 10_000;
/** What a C receiver has room for: a larger container breaks its heap (trap.md section 9). */
const BUFFER_SIZE_MAX = 100_000;
const BUFFER_SIZE_MIN = 64;
/** Longest container that is taken from a sender. */
const CONTAINER_MAX = 16 << 20;
const CONTAINER_LIMIT = 1 << 30;
const SOCKET_MODE = 0o660;

const wrong = (text: string, why: string): NemeanError =>
  new NemeanError("ERR_TRAP", EXIT.usage, `interface "${text}": ${why}`);

/**
 * Parse the value of `-i`: inputs first, then outputs, divided by commas.
 * @throws {NemeanError} ERR_TRAP that names the interface, the parameter and what is allowed
 */
export function parseInterfaces(
  value: string,
  inputs: number,
  outputs: number,
): { inputs: InputSpec[]; outputs: OutputSpec[] } {
  const texts = value === "" ? [] : value.split(",");
  if (texts.length !== inputs + outputs)
    throw new NemeanError(
      "ERR_TRAP",
      EXIT.usage,
      `-i "${value}": ${texts.length} interfaces, expected ${inputs} input${inputs === 1 ? "" : "s"} and ${outputs} output${outputs === 1 ? "" : "s"}, divided by commas`,
    );
  return {
    inputs: texts.slice(0, inputs).map(parseInput),
    outputs: texts.slice(inputs).map(parseOutput),
  };
}

/** @throws {NemeanError} ERR_TRAP */
export function parseInput(text: string): InputSpec {
  const words = new Words(text);
  const { type } = words;
  // The generator's text may hold anything.
  if (type === "g") return { ...generator(text), text, timeout: undefined, type };
  const common = { text, timeout: words.timeout("WAIT, NO_WAIT or microseconds", false) };
  words.flag("buffer");
  words.autoflush();
  const containerMax =
    words.number("container_max", BUFFER_SIZE_MAX, CONTAINER_LIMIT) ?? CONTAINER_MAX;
  if (type === "u") return words.done({ ...common, type, name: words.name(), containerMax });
  if (type === "f")
    return words.done({ ...common, type, pattern: words.rest("a path"), containerMax });
  if (type === "t" || type === "T") {
    const where = words.hostAndPort(type === "T" ? 3 : 0);
    const tls = type === "T" ? words.tlsFiles() : undefined;
    return words.done({
      ...common,
      type,
      host: where.host ?? "localhost",
      port: where.port,
      tls,
      containerMax,
    });
  }
  throw wrong(text, `no input of type "${type}"; there are u, t, T, f, g`);
}

/** @throws {NemeanError} ERR_TRAP */
export function parseOutput(text: string): OutputSpec {
  const words = new Words(text);
  const { type } = words;
  const common = {
    text,
    timeout: words.timeout("WAIT, HALF_WAIT, NO_WAIT or microseconds", true),
    buffer: words.flag("buffer") ?? true,
    autoflush: words.autoflush() ?? AUTOFLUSH,
  };
  if (type === "b") return words.done({ ...common, type });
  if (type === "f") {
    const minutes = words.number("time", 1, 1_000_000);
    const megabytes = words.number("size", 1, 1_000_000);
    const append = words.last("a", "w") === "a";
    return words.done({ ...common, type, path: words.rest("a path"), append, minutes, megabytes });
  }
  const socket = {
    ...common,
    maxClients: words.number("max_clients", 1, CLIENTS_MAX) ?? CLIENTS,
    bufferCount: words.number("buffer_count", 1, BUFFERS_MAX) ?? BUFFERS,
    bufferSize: words.number("buffer_size", BUFFER_SIZE_MIN, BUFFER_SIZE_MAX) ?? BUFFER_SIZE_MAX,
  };
  if (type === "u") {
    const mode = words.mode() ?? SOCKET_MODE;
    const group = words.take("group");
    return words.done({ ...socket, type, name: words.name(), mode, group });
  }
  if (type === "t" || type === "T") {
    const { host, port } = words.hostAndPort(type === "T" ? 3 : 0);
    const tls = type === "T" ? words.tlsFiles() : undefined;
    return words.done({ ...socket, type, host, port, tls });
  }
  throw wrong(text, `no output of type "${type}"; there are u, t, T, f, b`);
}

const GENERATOR = /^g:(\d+):(.*)$/s;

function generator(text: string): { message: string } {
  const [, length, message = ""] = GENERATOR.exec(text) ?? [];
  const bytes = Buffer.byteLength(message);
  if (length === undefined || Number(length) !== bytes || bytes < 1 || bytes > 255)
    throw wrong(text, "expected g:N:TEXT with N the bytes of TEXT, 1 to 255");
  return { message };
}

const SETTING = /^([a-z_]+)=(.*)$/s;
const PORT = /^(\d{1,5}|[a-z][a-z0-9-]*)$/i;
const DIGITS = /^\d+$/;
const OCTAL = /^0?[0-7]{3}$/;
/** Colons outside of brackets, in which an IPv6 address stands. */
const COLON = /:(?![^[]*\])/;

/** The words of one specifier: its letter, `name=value` settings in any place, and the others in order. */
class Words {
  readonly type: string;
  readonly #text: string;
  readonly #settings = new Map<string, string>();
  readonly #others: string[] = [];

  constructor(text: string) {
    this.#text = text;
    const [type = "", ...words] = text.split(COLON);
    this.type = type;
    // `b:` has nothing behind its colon.
    if (words.length === 1 && words[0] === "") words.pop();
    for (const [i, word] of words.entries()) {
      const [, name, value = ""] = SETTING.exec(word) ?? [];
      // What stands first is a name or a path, which may hold an equals sign.
      if (name === undefined || (i === 0 && !COMMON.has(name))) {
        this.#others.push(word);
        continue;
      }
      if (this.#settings.has(name)) throw wrong(text, `${name} is given twice`);
      this.#settings.set(name, value);
    }
  }

  take(name: string): string | undefined {
    const value = this.#settings.get(name);
    this.#settings.delete(name);
    if (value === "") throw this.#bad(name, value, "a value");
    return value;
  }

  number(name: string, min: number, max: number): number | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    if (!DIGITS.test(value) || Number(value) < min || Number(value) > max)
      throw this.#bad(name, value, `a whole number from ${min} to ${max}`);
    return Number(value);
  }

  flag(name: string): boolean | undefined {
    const value = this.take(name);
    if (value === undefined) return undefined;
    if (value !== "on" && value !== "off") throw this.#bad(name, value, "on or off");
    return value === "on";
  }

  timeout(allowed: string, isOutput: boolean): Timeout | undefined {
    const value = this.take("timeout");
    if (value === undefined) return undefined;
    if (value === "WAIT" || value === "NO_WAIT") return value;
    if (value === "HALF_WAIT" && isOutput) return value;
    if (!DIGITS.test(value)) throw this.#bad("timeout", value, allowed);
    return Number(value) === 0 ? "NO_WAIT" : Number(value);
  }

  autoflush(): number | undefined {
    const value = this.take("autoflush");
    if (value === undefined) return undefined;
    if (value === "off") return Number.POSITIVE_INFINITY;
    if (!DIGITS.test(value) || Number(value) === 0)
      throw this.#bad("autoflush", value, "off or microseconds");
    return Number(value);
  }

  mode(): number | undefined {
    const value = this.take("mode");
    if (value === undefined) return undefined;
    if (!OCTAL.test(value)) throw this.#bad("mode", value, "three octal digits");
    return Number.parseInt(value, 8);
  }

  /** The last word when it is one of these. */
  last(...words: string[]): string | undefined {
    const last = this.#others.at(-1);
    return this.#others.length > 1 && words.includes(last!) ? this.#others.pop() : undefined;
  }

  /** The one word that is left, the name of a unix socket. */
  name(): string {
    const name = this.#others.shift();
    if (!name || name.includes("/")) throw wrong(this.#text, "a name is missing: u:NAME");
    return name;
  }

  /** The words that are left, with their colons: a path. */
  rest(what: string): string {
    const rest = this.#others.splice(0).join(":");
    if (rest === "") throw wrong(this.#text, `${what} is missing`);
    return rest;
  }

  /** `[HOST:]PORT`, before `after` more words. */
  hostAndPort(after: number): { host: string | undefined; port: string } {
    const words = this.#others.splice(0, this.#others.length - after);
    const port = words.pop() ?? "";
    const host = words.pop();
    if (words.length > 0) throw wrong(this.#text, `unexpected "${words[0]}"`);
    if (!PORT.test(port) || (DIGITS.test(port) && (Number(port) < 1 || Number(port) > 65_535)))
      throw wrong(this.#text, `port "${port}": expected 1 to 65535, or the name of a service`);
    const bare = host?.startsWith("[") ? host.slice(1, -1) : host;
    return { host: bare === "" ? undefined : bare, port };
  }

  tlsFiles(): TlsFiles {
    const [key, cert, ca] = this.#others.splice(0);
    if (!key || !cert || !ca)
      throw wrong(this.#text, "expected [HOST:]PORT:KEY:CERT:CA, paths of PEM files");
    return { key, cert, ca };
  }

  /** The finished specifier, when no word is left over. */
  done<T>(spec: T): T {
    const [other] = this.#others;
    if (other !== undefined) throw wrong(this.#text, `unexpected "${other}"`);
    const [setting] = this.#settings.keys();
    if (setting !== undefined)
      throw wrong(this.#text, `no parameter ${setting}; see "nemean run MODULE -h trap"`);
    return spec;
  }

  #bad(name: string, value: string, expected: string): NemeanError {
    return wrong(this.#text, `${name}=${value}: expected ${expected}`);
  }
}

/** Settings that every interface may have, so also those that have no name or path. */
const COMMON = new Set(["timeout", "buffer", "autoflush"]);
