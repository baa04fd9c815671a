// SPDX-License-Identifier: BSD-3-Clause
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { messageOf } from "../../core/errors.ts";
import type { TemplateStore } from "../../core/ipfix/collect/template-store.ts";
import { isWhole, type TemplateHead } from "../../core/ipfix/collect/wire-template.ts";

/** Milliseconds between two writes at least. */
const PERIOD_MS = 5000;
const VERSION = 1;

/** A template as the file has it: its fields in base64. */
interface Entry extends TemplateHead {
  readonly exporter: string;
  readonly domain: number;
}

/** Templates that survive a restart: an exporter may not announce them again for half an hour. Those of connections end with these. */
export class TemplateFile {
  readonly #path: string;
  readonly #store: TemplateStore;
  readonly #warn: (message: string) => void;
  /** Version of the store that was written. */
  #written: number;
  #due = 0;
  #warned = false;

  /** Reads what an earlier run has left; a file that cannot be read is told of, and written anew. */
  constructor(path: string, store: TemplateStore, warn: (message: string) => void) {
    this.#path = path;
    this.#store = store;
    this.#warn = warn;
    if (existsSync(path)) this.#read();
    this.#written = store.version;
  }

  /** Write what has changed, if it is time to. */
  tick(now = performance.now()): void {
    if (this.#store.version === this.#written || now < this.#due) return;
    this.#due = now + PERIOD_MS;
    this.write();
  }

  /** Write what has changed. */
  write(): void {
    if (this.#store.version === this.#written) return;
    const templates: Entry[] = [];
    for (const { exporter, domain, template } of this.#store.entries()) {
      // Names of connections have a blank.
      if (exporter.includes(" ")) continue;
      const { id, dialect, fieldCount, scopeCount, isOptions } = template;
      const specs = Buffer.from(template.specs, "latin1").toString("base64");
      templates.push({ exporter, domain, id, dialect, fieldCount, scopeCount, isOptions, specs });
    }
    try {
      const beside = `${this.#path}.new`;
      writeFileSync(beside, JSON.stringify({ version: VERSION, templates }));
      renameSync(beside, this.#path);
      this.#written = this.#store.version;
      this.#warned = false;
    } catch (error) {
      if (!this.#warned) this.#warn(`cannot write ${this.#path}: ${messageOf(error)}`);
      this.#warned = true;
    }
  }

  #read(): void {
    try {
      const saved = JSON.parse(readFileSync(this.#path, "utf8")) as {
        version: unknown;
        templates: readonly Entry[];
      };
      if (saved.version !== VERSION) throw new Error(`version ${String(saved.version)}`);
      for (const { exporter, domain, ...head } of saved.templates) {
        const specs = Buffer.from(head.specs, "base64").toString("latin1");
        const template = { ...head, specs };
        if (typeof exporter !== "string" || !Number.isInteger(domain) || !isWhole(template))
          throw new Error("an entry that is no template");
        this.#store.put(exporter, domain, template);
      }
    } catch (error) {
      this.#warn(`${this.#path}: no saved templates: ${messageOf(error)}; it will be written anew`);
    }
  }
}
