// SPDX-License-Identifier: BSD-3-Clause
import type { WireTemplate } from "./wire-template.ts";

/** Characters at most; the rest of a record's fields is left out. */
const TEXT_MAX = 8192;

/** All fields of a record as they came: `e0id8=c0000201 e9id12234=00…`, each with the enterprise and number of its element. */
export function rawFields({ fields }: WireTemplate, view: DataView, spans: Int32Array): string {
  let text = "";
  for (const [i, { enterprise, number }] of fields.entries()) {
    const at = view.byteOffset + spans[2 * i]!;
    const hex = Buffer.from(view.buffer, at, spans[2 * i + 1]!).toString("hex");
    const item = `${i === 0 ? "" : " "}e${enterprise}id${number}=${hex}`;
    if (text.length + item.length > TEXT_MAX) break;
    text += item;
  }
  return text;
}
