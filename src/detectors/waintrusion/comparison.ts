// SPDX-License-Identifier: BSD-3-Clause
import { BLANK, FOLDED, IS_WORD, QUOTE } from "./folding.ts";

/** Bytes that are looked at, so that many of them cost no more than their number. */
const REACH = 64;
const OPEN = 0x28;
const CLOSE = 0x29;
const EQUAL = 0x3d;
const LESS = 0x3c;
const GREATER = 0x3e;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;

/**
 * Whether a comparison of two constants follows, `1=1` or `('a')='a'`, `2>1`: what decides nothing in an honest query.
 * The text need not be folded.
 */
export function comparesConstants(bytes: Uint8Array, from: number, to: number): boolean {
  const end = Math.min(to, from + REACH);
  const one = skip(bytes, from, end);
  const oneEnd = wordEnd(bytes, one, end);
  const operator = skip(bytes, oneEnd, end);
  let other = operator;
  while (other < end && isOperator(bytes[other]!)) other++;
  if (oneEnd === one || other === operator) return false;
  other = skip(bytes, other, end);
  const otherEnd = wordEnd(bytes, other, end);
  if (otherEnd === other) return false;
  return isNumber(bytes, one, oneEnd) && isNumber(bytes, other, otherEnd)
    ? true
    : isSame(bytes, { one, oneEnd, other, otherEnd });
}

const isOperator = (byte: number): boolean => byte === EQUAL || byte === LESS || byte === GREATER;

function skip(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (; at < end; at++) {
    const byte = FOLDED[bytes[at]!];
    if (byte !== BLANK && byte !== QUOTE && byte !== OPEN && byte !== CLOSE) break;
  }
  return at;
}

function wordEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && IS_WORD[FOLDED[bytes[at]!]!] === 1) at++;
  return at;
}

function isNumber(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at]! < DIGIT_0 || bytes[at]! > DIGIT_9) return false;
  return true;
}

interface Words {
  readonly one: number;
  readonly oneEnd: number;
  readonly other: number;
  readonly otherEnd: number;
}

function isSame(bytes: Uint8Array, { one, oneEnd, other, otherEnd }: Words): boolean {
  if (oneEnd - one !== otherEnd - other) return false;
  for (let i = 0; i < oneEnd - one; i++)
    if (FOLDED[bytes[one + i]!] !== FOLDED[bytes[other + i]!]) return false;
  return true;
}
