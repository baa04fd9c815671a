// SPDX-License-Identifier: BSD-3-Clause
/** Wrong code that must not compile: checked by tsc, never run. */
import type { AnyReader } from "./reader.ts";
import { type FieldsOf, type OptionalOf, type Reader, template, type Values } from "./template.ts";
import type { Ip, IpField, UniRecType } from "./types.ts";
import { writer } from "./writer.ts";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <T extends true>(_?: T): void => {};

is<Equal<FieldsOf<"ipaddr SRC_IP, uint16 DST_PORT">, { SRC_IP: "ipaddr"; DST_PORT: "uint16" }>>();
is<Equal<FieldsOf<"\n  uint8 A,\n  ?string  B \n">, { A: "uint8"; B: "string" }>>();
is<Equal<OptionalOf<"uint8 A, ?string B, ?time C">, "B" | "C">>();
is<Equal<Extract<UniRecType, "char*" | "string*" | "bytes*">, never>>();

const flow = template(
  "ipaddr SRC_IP, uint16 DST_PORT, ?time TIME_LAST, uint64 BYTES, uint16* LENS, bytes B, ?string S",
);
declare const r: Reader<typeof flow>;
is<Equal<typeof r.SRC_IP, IpField>>();
is<Equal<typeof r.DST_PORT, number>>();
is<Equal<typeof r.TIME_LAST, number>>();
is<Equal<typeof r.LENS, readonly number[]>>();
is<Equal<typeof r.B, Uint8Array>>();
is<Equal<typeof r.S, string>>();
is<Equal<typeof r.has, { readonly TIME_LAST: boolean; readonly S: boolean }>>();
is<Equal<typeof r.raw, { readonly TIME_LAST: bigint; readonly BYTES: bigint }>>();
r.next() satisfies boolean;
// @ts-expect-error: not declared in the template
r.DST_PROT;
// @ts-expect-error: a reader is read only
r.DST_PORT = 1;
// @ts-expect-error: a required field is always there
r.has.DST_PORT;
// @ts-expect-error: 16 bits need no bigint
r.raw.DST_PORT;
// @ts-expect-error: not a UniRec field: "uin16 DST_PORT"
template("ipaddr SRC_IP, uin16 DST_PORT");
// @ts-expect-error: not a UniRec field: "string* NAMES"
template("string* NAMES");
// @ts-expect-error: not a UniRec field: "SRC_IP"
template("SRC_IP");

declare const ip: Ip;
const row: Values<typeof flow> = { SRC_IP: ip, DST_PORT: 1, LENS: new Uint16Array(2) };
void row;
// @ts-expect-error: a port is no text
const text: Values<typeof flow> = { DST_PORT: "443" };
void text;
// @ts-expect-error: the template has no such field
const other: Values<typeof flow> = { DST_PROT: 1 };
void other;

const made = writer(flow);
made.SRC_IP = "192.0.2.1";
made.SRC_IP = r.SRC_IP;
made.TIME_LAST = 5n;
// @ts-expect-error: the template has no such field
made.DST_PROT = 1;
// @ts-expect-error: an address is no number
made.SRC_IP = 1;
declare const cursor: AnyReader;
made.begin().copyFrom(cursor).size satisfies number;

// 64 fields in one string: past what any NEMEA template holds.
const wide = template(
  "uint8 A0,uint8 A1,uint8 A2,uint8 A3,uint8 A4,uint8 A5,uint8 A6,uint8 A7,uint8 A8,uint8 A9,uint8 B0,uint8 B1,uint8 B2,uint8 B3,uint8 B4,uint8 B5,uint8 B6,uint8 B7,uint8 B8,uint8 B9,uint8 C0,uint8 C1,uint8 C2,uint8 C3,uint8 C4,uint8 C5,uint8 C6,uint8 C7,uint8 C8,uint8 C9,uint8 D0,uint8 D1,uint8 D2,uint8 D3,uint8 D4,uint8 D5,uint8 D6,uint8 D7,uint8 D8,uint8 D9,uint8 E0,uint8 E1,uint8 E2,uint8 E3,uint8 E4,uint8 E5,uint8 E6,uint8 E7,uint8 E8,uint8 E9,uint8 F0,uint8 F1,uint8 F2,uint8 F3,uint8 F4,uint8 F5,uint8 F6,uint8 F7,uint8 F8,uint8 F9,uint8 G0,uint8 G1,uint8 G2,string G3",
);
declare const w: Reader<typeof wide>;
is<Equal<typeof w.G3, string>>();
