// SPDX-License-Identifier: BSD-3-Clause
import { closeSync, openSync } from "node:fs";
import { EXIT, messageOf, NemeanError } from "../core/errors.ts";
import type { Receiver } from "../core/port.ts";
import { type AnyReader, reader } from "../core/unirec/reader.ts";
import { sameLayout, type Template } from "../core/unirec/template.ts";
import { TextWriter } from "../core/unirec/text-writer.ts";
import { writeAll } from "../core/write-all.ts";

/** Writes the records of an output as UniRec text. */
export class CsvFile implements Receiver {
  readonly #fd: number;
  readonly #writer: TextWriter;
  #cursor: AnyReader;
  #template: Template;

  /**
   * `-` is standard output. A template without fields is one that the sender is still to announce.
   * Throws ERR_OUTPUT when the file cannot be made.
   */
  constructor(path: string, template: Template) {
    const name = path === "-" ? "standard output" : path;
    try {
      this.#fd = path === "-" ? 1 : openSync(path, "w");
    } catch (error) {
      throw new NemeanError(
        "ERR_OUTPUT",
        EXIT.cannotCreate,
        `cannot write ${path}: ${messageOf(error)}`,
      );
    }
    this.#template = template;
    this.#cursor = reader(template) as AnyReader;
    this.#writer = new TextWriter((bytes) => writeAll(this.#fd, bytes, name));
    if (template.fields.length > 0) this.#writer.header(template);
  }

  /** A new header stands before the records of another layout. */
  announce(layout: Template): void {
    if (sameLayout(this.#template, layout)) return;
    this.#template = layout;
    this.#cursor = reader(layout) as AnyReader;
    this.#writer.header(layout);
  }

  receive(batch: Parameters<Receiver["receive"]>[0]): void {
    this.#cursor.reset(batch);
    while (this.#cursor.next()) this.#writer.record(this.#cursor, this.#template);
  }

  advance(): void {
    this.#writer.flush();
  }

  end(): void {
    this.#writer.flush();
  }

  close(): void {
    this.#writer.flush();
    if (this.#fd !== 1) closeSync(this.#fd);
  }
}
