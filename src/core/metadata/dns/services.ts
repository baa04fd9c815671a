// SPDX-License-Identifier: BSD-3-Clause

/** What is kept of a flow: names that are asked for, and names that are told of. */
const NAMES_MAX = 64;
/** Characters of the strings of a service's TXT records. */
const STRINGS_MAX = 1024;
/** Bytes of each of the two lists; a name that does not fit is left out, and all behind it. */
const LIST_MAX = 16_384;
const NO_PORT = -1;

/** A name that records tell of. */
interface Service {
  readonly name: string;
  port: number;
  target: string;
  /** Processor and system, a colon between them. */
  host: string;
  /** Strings of TXT, a colon behind each. */
  strings: string;
}

/** What the messages of a flow ask for and tell of, each name once, in the order in which it came. */
export class Services {
  readonly #queries = new Set<string>();
  readonly #services = new Map<string, Service>();

  clear(): void {
    this.#queries.clear();
    this.#services.clear();
  }

  get isEmpty(): boolean {
    return this.#queries.size === 0 && this.#services.size === 0;
  }

  ask(name: string): void {
    if (this.#queries.size < NAMES_MAX) this.#queries.add(name);
  }

  /** The service of a name, made when it is new; undefined when there are too many. */
  of(name: string): Service | undefined {
    const known = this.#services.get(name);
    if (known || this.#services.size >= NAMES_MAX) return known;
    const made = { name, port: NO_PORT, target: "", host: "", strings: "" };
    this.#services.set(name, made);
    return made;
  }

  /** `name;name;` */
  get queries(): string {
    return list(this.#queries, (name) => `${name};`);
  }

  /** `name;port;target;host;strings;` of each service; the port is -1 where no SRV told of it. */
  get responses(): string {
    return list(this.#services.values(), ({ name, port, target, host, strings }) => {
      return `${name};${port};${target};${host};${strings};`;
    });
  }
}

/** Add the strings of a TXT record to those that are known, unless they are among them. */
export function addStrings(service: Service, text: string): void {
  if (text === "" || service.strings.includes(text)) return;
  if (service.strings.length + text.length <= STRINGS_MAX) service.strings += text;
}

function list<T>(items: Iterable<T>, textOf: (item: T) => string): string {
  let text = "";
  let size = 0;
  for (const item of items) {
    const part = textOf(item);
    size += Buffer.byteLength(part);
    if (size > LIST_MAX) break;
    text += part;
  }
  return text;
}
