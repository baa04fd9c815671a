// SPDX-License-Identifier: BSD-3-Clause
import type { ToldElements } from "./element-types.ts";
import { isList, ListReader, type ListVisitor } from "./lists.ts";
import { NO_HEAD } from "./message-head.ts";
import { toldText } from "./told-text.ts";
import type { Transfer } from "./transfer.ts";
import type { WireTemplate } from "./wire-template.ts";

/** What a record is read from. */
type Source = Pick<Transfer, "view" | "spans" | "head">;

/** Characters at most; the rest of a record's fields is left out. */
const TEXT_MAX = 8192;

/**
 * All fields of a record as they came: `e0id8=c0000201 e9id12234=00…`, each with the enterprise and number of its element, or
 * `e9:name=5` where the exporter describes it. Lists are in brackets, `e0id291=[e0id8=c0000201 e0id8=c0000202]`, records in them in
 * braces behind their template, `e0id292=[257{e0id7=0050 e0id11=01bb}]`; those that nobody can read are bytes as well.
 */
export class RawFields implements ListVisitor {
  readonly #reader: ListReader;
  #text = "";
  #view!: DataView;
  #told: ToldElements | undefined;

  constructor(reader: ListReader) {
    this.#reader = reader;
  }

  textOf({ fields }: WireTemplate, transfer: Source, told: ToldElements | undefined): string {
    const { view, spans } = transfer;
    this.#text = "";
    this.#view = view;
    this.#told = told;
    for (let i = 0; i < fields.length; i++) {
      const { enterprise, number } = fields[i]!;
      const before = this.#text.length;
      const at = spans[2 * i]!;
      const length = spans[2 * i + 1]!;
      if (!isList(enterprise, number)) this.value(enterprise, number, at, length);
      else if (!this.#listText(number, at, length, transfer)) {
        this.#text = this.#text.slice(0, before);
        this.#begin(`e0id${number}=${this.#hex(at, length)}`);
      }
      if (this.isFull) return this.#text.slice(0, before);
    }
    return this.#text;
  }

  /** Returns whether the list was whole, and its templates known. */
  #listText(list: number, at: number, length: number, { view, head }: Source): boolean {
    const before = this.#reader.trouble;
    this.#reader.trouble = 0;
    this.list(list);
    this.#reader.read({ list, view, at, length, head }, this);
    this.listEnd();
    const isWhole = this.#reader.trouble === 0;
    this.#reader.trouble |= before;
    return isWhole;
  }

  get isFull(): boolean {
    return this.#text.length > TEXT_MAX;
  }

  wants(): boolean {
    return true;
  }

  value(enterprise: number, number: number, at: number, length: number): void {
    const told = this.#told?.get(enterprise, number);
    const name = told?.name ? `e${enterprise}:${told.name}` : `e${enterprise}id${number}`;
    const text = told ? toldText(told.type, this.#view, at, Math.min(length, TEXT_MAX)) : undefined;
    this.#begin(`${name}=${text ?? this.#hex(at, length)}`);
  }

  list(number: number): void {
    this.#begin(`e0id${number}=[`);
  }

  listEnd(): void {
    this.#text += "]";
  }

  record(template: number): void {
    this.#begin(`${template}{`);
  }

  recordEnd(): void {
    this.#text += "}";
  }

  #begin(item: string): void {
    const last = this.#text.at(-1);
    const isFirst = last === undefined || last === "[" || last === "{";
    this.#text += isFirst ? item : ` ${item}`;
  }

  #hex(at: number, length: number): string {
    const { buffer, byteOffset } = this.#view;
    return Buffer.from(buffer, byteOffset + at, Math.min(length, TEXT_MAX)).toString("hex");
  }
}

const PLAIN = new RawFields(new ListReader({ get: () => undefined }));

/** All fields of a record without lists, of which nobody told anything. */
export const rawFields = (template: WireTemplate, view: DataView, spans: Int32Array): string =>
  PLAIN.textOf(template, { view, spans, head: NO_HEAD }, undefined);
