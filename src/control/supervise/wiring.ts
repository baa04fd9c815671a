// SPDX-License-Identifier: BSD-3-Clause
import { usageError } from "../../core/errors.ts";
import { parseOutput } from "../../core/trap/specifier.ts";
import type { Product, SourceEntry } from "./layout.ts";

/** Records go from an output to an input, or to a TRAP interface, or come from one. */
export interface Link {
  /** `flows`, `flows@SOURCE`, `MODULE`, `MODULE.PORT`, or a TRAP interface. */
  readonly from: string;
  /** `MODULE`, `MODULE.PORT`, or a TRAP interface. */
  readonly to: string;
}

/** Ports of a command have numbers for names. */
export const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => String(i));

/** What a link says that cannot be: the link's number, so that its place can be shown. */
export class LinkError extends Error {
  readonly link: number;

  constructor(link: number, message: string) {
    super(message);
    this.link = link;
  }
}

interface Node {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly isDetector: boolean;
}

const isInterface = (text: string): boolean => text.includes(":");

/**
 * The TRAP interfaces of all modules and commands, from the links between them.
 *
 * An output has one interface: the one a link names, else a unix socket `u:MODULE.PORT` when another part reads from
 * it, else none (`b:`). An input has exactly one sender.
 */
export class Wiring {
  /** Interfaces that flows are sent to as well. */
  readonly flowOutputs: string[] = [];
  readonly #nodes: readonly Node[];
  readonly #outputs = new Map<string, string>();
  readonly #inputs = new Map<string, string>();

  /** @throws {LinkError} */
  constructor(product: Product, flowSockets: (source: SourceEntry) => readonly string[]) {
    this.#nodes = [
      ...product.modules.map(({ name, kind, inputs, outputs }) => ({
        name,
        inputs,
        outputs,
        isDetector: kind === "detector",
      })),
      ...product.commands.map(({ name, inputs, outputs }) => ({
        name,
        inputs: numbered(inputs),
        outputs: numbered(outputs),
        isDetector: false,
      })),
    ];
    // Interfaces that links name come first: what reads from such an output reads there.
    for (const [i, { from, to }] of product.links.entries())
      if (isInterface(to)) this.#name(i, from, to);
    for (const [i, { from, to }] of product.links.entries())
      if (!isInterface(to)) this.#connect(i, to, this.#sender(i, from, product, flowSockets));
    for (const { name, inputs, isDetector } of this.#nodes)
      for (const port of isDetector ? [] : inputs)
        if (!this.#inputs.has(`${name}.${port}`))
          throw usageError(
            `${name}.${port} has no sender: [[links]] from = "flows" to = "${name}.${port}" gives it one`,
          );
  }

  #name(link: number, from: string, to: string): void {
    if (isInterface(from))
      throw new LinkError(link, `links: ${from} to ${to}: one end has to be a module or flows`);
    if (from === "flows" || from.startsWith("flows@")) {
      this.flowOutputs.push(to);
      return;
    }
    const output = this.#port(link, from, "outputs");
    if (this.#outputs.has(output))
      throw new LinkError(link, `links: ${output} has an interface already: an output has one`);
    this.#outputs.set(output, to);
  }

  #connect(link: number, to: string, sender: string): void {
    const input = this.#port(link, to, "inputs");
    if (this.#inputs.has(input))
      throw new LinkError(link, `links: ${input} has a sender already: an input has one`);
    this.#inputs.set(input, sender);
  }

  /** What a reader connects to. */
  #sender(
    link: number,
    from: string,
    { sources }: Product,
    flowSockets: (source: SourceEntry) => readonly string[],
  ): string {
    if (isInterface(from)) return from;
    if (from === "flows" || from.startsWith("flows@")) {
      const wanted = from.slice("flows@".length);
      const source = wanted === "" ? sources[0] : sources.find(({ name }) => name === wanted);
      if (!source || (wanted === "" && sources.length > 1))
        throw new LinkError(
          link,
          `links: from "${from}": there are ${sources.map(({ name }) => `flows@${name}`).join(", ")}`,
        );
      return `u:${flowSockets(source)[0]}`;
    }
    const output = this.#port(link, from, "outputs");
    const own = this.#outputs.get(output);
    if (own === undefined) {
      const [node, port] = split(output);
      this.#outputs.set(output, `u:${node}.${port}`);
      return `u:${node}.${port}`;
    }
    const spec = parseOutput(own);
    if (spec.type === "u") return `u:${spec.name}`;
    if (spec.type === "t") return `t:${spec.host ?? "localhost"}:${spec.port}`;
    throw new LinkError(link, `links: nobody can read from ${own}, the interface of ${output}`);
  }

  /** The whole name of a port: the one given, or the first that is free. */
  #port(link: number, text: string, side: "inputs" | "outputs"): string {
    const [wanted, wantedPort] = split(text);
    const node = this.#nodes.find(({ name }) => name === wanted);
    if (!node) {
      const names = this.#nodes.map(({ name }) => name).join(", ");
      throw new LinkError(link, `links: no module "${wanted}" runs; there are ${names}`);
    }
    if (side === "inputs" && node.isDetector)
      throw new LinkError(
        link,
        `links: ${wanted} is a detector, which gets the flows of all sources`,
      );
    const ports = node[side];
    const port =
      wantedPort ??
      (side === "inputs" ? ports.find((each) => !this.#inputs.has(`${wanted}.${each}`)) : ports[0]);
    if (port !== undefined && ports.includes(port)) return `${wanted}.${port}`;
    throw new LinkError(
      link,
      `links: ${text}: ${wanted} has ${ports.length === 0 ? "no" : "the"} ${side} ${ports.join(", ")}`,
    );
  }

  /** Interfaces of a detector's outputs; undefined when nobody wants what they send. */
  moduleOutputs(name: string, outputs: readonly string[]): string | undefined {
    const specs = outputs.map((port) => this.#outputs.get(`${name}.${port}`));
    return specs.some(Boolean) ? specs.map((spec) => spec ?? "b:").join(",") : undefined;
  }

  /** The value of `-i` of a module or command. */
  interfaces(name: string, inputs: readonly string[], outputs: readonly string[]): string {
    const from = inputs.map((port) => this.#inputs.get(`${name}.${port}`)!);
    const to = outputs.map((port) => this.#outputs.get(`${name}.${port}`) ?? "b:");
    return [...from, ...to].join(",");
  }
}

/** A node's name and a port's; the port may be missing. */
const split = (text: string): [string, string | undefined] => {
  const dot = text.lastIndexOf(".");
  return dot < 0 ? [text, undefined] : [text.slice(0, dot), text.slice(dot + 1)];
};
