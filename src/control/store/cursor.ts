// SPDX-License-Identifier: BSD-3-Clause

/** The place after an event in the order of pages, newest first: no update of an event moves it. */
export interface Cursor {
  readonly openedAt: number;
  readonly seq: number;
}

/** Opaque to clients, so that the order can change behind it. */
export const encodeCursor = ({ openedAt, seq }: Cursor): string =>
  Buffer.from(`1,${openedAt},${seq}`).toString("base64url");

const CURSOR = /^1,(-?\d{1,16}),(\d{1,16})$/;
const BASE64URL = /^[\w-]{1,64}$/;

/** Undefined when the text is no cursor. */
export function decodeCursor(text: string): Cursor | undefined {
  if (!BASE64URL.test(text)) return undefined;
  const found = CURSOR.exec(Buffer.from(text, "base64url").toString("latin1"));
  return found ? { openedAt: Number(found[1]), seq: Number(found[2]) } : undefined;
}
