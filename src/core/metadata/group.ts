// SPDX-License-Identifier: BSD-3-Clause
import { RECORD_MAX } from "../batch.ts";
import { FLOWS } from "../flow/flows.ts";
import { OutputPort } from "../port.ts";
import type { AnyReader } from "../unirec/reader.ts";
import { parseTemplate } from "../unirec/template.ts";
import { type RecordWriter, writer } from "../unirec/writer.ts";
import { bitsOf, type Installed, lowest, type Plugins, type Side, WORD_BITS } from "./installed.ts";
import type { AnyProtocol } from "./protocol.ts";

/** Plugins that share an output. */
export interface PluginGroup {
  /** Name of the output. */
  readonly name: string;
  readonly protocols: readonly AnyProtocol[];
  /** Those of them one of which must have found something, or the flow is not sent; all flows are when left out. */
  readonly needs?: readonly AnyProtocol[];
}

/** Plugins that share an output at work: sends the basic flow and their fields. */
export class Group {
  readonly port: OutputPort;
  /** Whether only flows are sent that {@link knows} is true of. */
  readonly isNarrow: boolean;
  readonly #members: Plugins;
  readonly #needs: Plugins;
  /** Those that may make several records of a flow. */
  readonly #repeating: Plugins;
  readonly #plugins: readonly Installed[];
  readonly #record: RecordWriter;
  /** Flows whose fields are longer than a record may be, sent without them. */
  tooLong = 0;

  constructor(
    { name, protocols, needs }: PluginGroup,
    plugins: readonly Installed[],
    compat: boolean,
  ) {
    const fields = [FLOWS.spec, ...protocols.map(({ fields }) => fields.spec)];
    const template = parseTemplate(fields.join(","), "biflow");
    this.port = new OutputPort(name, template);
    const members = plugins.filter(({ def }) => protocols.includes(def));
    this.#members = bitsOf(members.map(({ index }) => index));
    this.isNarrow = compat || needs !== undefined;
    const needed = members.filter(({ def }) => needs?.includes(def) ?? true);
    this.#needs = bitsOf(needed.map(({ index }) => index));
    this.#repeating = bitsOf(members.filter(({ rows }) => rows).map(({ index }) => index));
    this.#plugins = plugins;
    this.#record = writer(template);
  }

  /** Whether one of the plugins that it needs has something to tell of a flow. */
  knows({ takenLow, takenHigh }: Side): boolean {
    return ((takenLow & this.#needs.low) | (takenHigh & this.#needs.high)) !== 0;
  }

  send(flow: AnyReader, side: Side | undefined): void {
    const rows = side ? this.#rows(side) : 1;
    for (let row = 0; row < rows; row++) {
      const record = this.#record.begin().copyFrom(flow);
      if (side) {
        this.#fill(side, side.takenLow & this.#members.low, { base: 0, row });
        this.#fill(side, side.takenHigh & this.#members.high, { base: WORD_BITS, row });
      }
      if (record.size > RECORD_MAX) {
        this.tooLong++;
        record.begin().copyFrom(flow);
      }
      record.end(this.port.room(record.size));
    }
  }

  /** Records of a flow: as many as the plugin asks for that asks for the most. */
  #rows(side: Side): number {
    const low = this.#rowsOf(side, side.takenLow & this.#repeating.low, 0);
    return Math.max(low, this.#rowsOf(side, side.takenHigh & this.#repeating.high, WORD_BITS));
  }

  #rowsOf({ states }: Side, bits: number, base: number): number {
    let rows = 1;
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const i = base + lowest(rest);
      rows = Math.max(rows, this.#plugins[i]!.rows!(states[i]!));
    }
    return rows;
  }

  #fill({ states }: Side, bits: number, { base, row }: { base: number; row: number }): void {
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      const i = base + lowest(rest);
      const { rows, write } = this.#plugins[i]!;
      const state = states[i]!;
      if (row === 0 || row < (rows?.(state) ?? 1)) write(state, this.#record, row);
    }
  }
}
