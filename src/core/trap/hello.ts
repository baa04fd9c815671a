// SPDX-License-Identifier: BSD-3-Clause
import { messageOf } from "../errors.ts";
import { type Format, messages, parseTemplate, type Template } from "../unirec/template.ts";

/** Bytes before the specifier: format, padding, its length big-endian (trap.md section 3). */
export const HELLO_HEAD = 8;
/** Longest specifier that is taken: some thousand fields. The original trusts 4 GiB. */
export const SPECIFIER_MAX = 1 << 17;

const CODES: readonly (Format | undefined)[] = [undefined, "raw", "unirec", "json"];

/**
 * The bytes that begin every connection and file. Without a layout: eight zeros, which tell the receiver to try
 * again later.
 */
export function encodeHello(layout: Template | undefined): Uint8Array {
  const code = layout ? CODES.indexOf(layout.format ?? "unirec") : 0;
  const specifier = Buffer.from(code < 2 ? "" : layout!.spec);
  const bytes = new Uint8Array(new ArrayBuffer(HELLO_HEAD + specifier.length));
  bytes[0] = Math.max(code, 0);
  new DataView(bytes.buffer).setUint32(4, specifier.length);
  bytes.set(specifier, HELLO_HEAD);
  return bytes;
}

/** What a hello says, its bytes used; a layout of undefined: the sender does not know yet. */
export type Hello =
  | { readonly size: number; readonly layout: Template | undefined }
  /** More bytes are needed: as many as this in all. */
  | { readonly needs: number }
  | { readonly error: string };

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Read a hello from `bytes` between `from` and `to`. Never throws: what it says may be anything. */
export function decodeHello(bytes: Uint8Array, from: number, to: number): Hello {
  if (to - from < HELLO_HEAD) return { needs: HELLO_HEAD };
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const code = view.getUint8(from);
  const length = view.getUint32(from + 4);
  if (length > SPECIFIER_MAX)
    return { error: `a specifier of ${length} bytes, the most is ${SPECIFIER_MAX}` };
  const size = HELLO_HEAD + length;
  if (code === 0) return { size: HELLO_HEAD, layout: undefined };
  if (to - from < size) return { needs: size };
  const format = CODES[code];
  if (!format) return { error: `unknown data format ${code}` };
  try {
    const spec = decoder.decode(bytes.slice(from + HELLO_HEAD, from + size));
    return layoutOf(format, spec, size);
  } catch (error) {
    return { error: messageOf(error) };
  }
}

function layoutOf(format: Format, spec: string, size: number): Hello {
  if (format === "raw") return { size, layout: messages("raw") };
  if (format === "json") return { size, layout: messages("json", spec) };
  if (spec === "") return { error: "UniRec records without a specifier" };
  return { size, layout: parseTemplate(spec) };
}
