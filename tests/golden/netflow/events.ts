// SPDX-License-Identifier: BSD-3-Clause
/** Records of exporters as named values, to compare them with what others decoded. @module */
import { CONVERSION, microsOf, readUnsigned } from "../../../src/core/ipfix/collect/conversions.ts";
import type { RecordSpan } from "../../../src/core/ipfix/collect/flow-decoder.ts";
import type { MessageHead } from "../../../src/core/ipfix/collect/message-head.ts";
import type { WireTemplate } from "../../../src/core/ipfix/collect/wire-template.ts";

/** Names and types of fields, by dialect, enterprise and number. */
export type FieldNames = ReadonlyMap<string, { readonly name: string; readonly type: string }>;

export function fieldNames(tsv: string): FieldNames {
  const rows = tsv.split("\n").slice(1).filter(Boolean);
  return new Map(
    rows.map((row) => {
      const [dialect, enterprise, number, type = "", name = ""] = row.split("\t");
      return [`${dialect} ${enterprise} ${number}`, { name, type }];
    }),
  );
}

/** A value as it came, and the ways to read it. */
interface Raw {
  readonly bytes: Buffer;
  readonly type: string;
  /** Milliseconds since 1970, where it is a time. */
  readonly millis?: number;
}

export class DecodedEvent {
  readonly head: Readonly<Record<string, number>>;
  readonly values: ReadonlyMap<string, Raw>;

  constructor(head: Readonly<Record<string, number>>, values: ReadonlyMap<string, Raw>) {
    this.head = head;
    this.values = values;
  }

  text(name: string): string {
    const raw = this.values.get(name);
    return raw ? `${raw.bytes.toString("hex")} (${raw.type})` : `${this.head[name] ?? "absent"}`;
  }
}

/** What NetFlow v9 calls its scopes (RFC 3954 section 6.1). */
const SCOPES = [
  "",
  "scope_system",
  "scope_interface",
  "scope_line_card",
  "scope_netflow_cache",
  "scope_template",
];
const UPTIME = [21, 22];
const TIMES: Readonly<Record<number, number>> = {
  150: CONVERSION.seconds,
  151: CONVERSION.seconds,
  152: CONVERSION.millis,
  153: CONVERSION.millis,
  154: CONVERSION.ntp,
  155: CONVERSION.ntp,
  156: CONVERSION.ntp,
  157: CONVERSION.ntp,
  323: CONVERSION.millis,
};

export function eventOf(
  template: WireTemplate,
  view: DataView,
  { spans }: RecordSpan,
  head: MessageHead,
  names: FieldNames,
): DecodedEvent {
  const values = new Map<string, Raw>();
  const dialect = template.dialect === "ipfix" ? "ipfix" : "v9";
  for (const [i, { enterprise, number, length: announced }] of template.fields.entries()) {
    const known =
      template.fields[i]!.isScope && dialect === "v9"
        ? { name: SCOPES[number] ?? "", type: "uint32" }
        : names.get(`${dialect} ${enterprise} ${number}`);
    if (!known || announced === 0) continue;
    const at = spans[2 * i]!;
    const length = spans[2 * i + 1]!;
    const bytes = Buffer.from(new Uint8Array(view.buffer, view.byteOffset + at, length));
    const kind = UPTIME.includes(number) ? CONVERSION.uptime : TIMES[number];
    const isTime = enterprise === 0 && kind !== undefined && (length === 4 || length === 8);
    values.set(known.name, {
      bytes,
      type: known.type,
      ...(isTime ? { millis: Math.floor(microsOf(kind, view, at, head) / 1000) } : {}),
    });
  }
  return new DecodedEvent(
    {
      version: head.version,
      flow_seq_num: head.sequence,
      flowset_id: template.id,
      flow_records: Number.NaN,
      engine_type: head.domain >>> 8,
      engine_id: head.domain & 255,
      sampling_interval: head.samplingInterval,
      sampling_algorithm: head.samplingMode,
    },
    values,
  );
}

/** Whether a record has a value; as the golden sets' README says what is to be compared and how. */
export function isEqual(event: DecodedEvent | undefined, path: string, expected: unknown): boolean {
  if (!event) return false;
  const [name = "", part] = path.split(".");
  const raw = event.values.get(name);
  const value = typeof expected === "string" ? expected.replace(/^(["'])(.*)\1$/s, "$2") : expected;
  if (!raw)
    return (
      name in event.head && (Number.isNaN(event.head[name]!) || event.head[name] === Number(value))
    );
  if (part !== undefined) return readings(raw).includes(String(value));
  if (typeof value === "object" && value !== null) {
    const parts = raw.type === "forwarding_status" ? forwardingOf(raw.bytes) : mplsOf(raw.bytes);
    return JSON.stringify(parts) === JSON.stringify(sorted(value));
  }
  if (typeof value === "string" && value.includes("#{")) return true;
  if (raw.millis !== undefined && typeof value === "string" && /^\d{4}-/.test(value)) {
    const difference = Date.parse(value) - raw.millis;
    return [0, isSwitched(name) ? CODEC_LATE : 0].some(
      (late) => (difference - late) % 2 ** 32 === 0,
    );
  }
  return readings(raw).includes(String(value));
}

/**
 * Logstash's codec takes whole seconds of uptime off and then adds what is left of one instead of taking it off too: its times of
 * NetFlow v5 and v9 are a second late (RFC 3954 section 5.1).
 */
const CODEC_LATE = 1000;
const isSwitched = (name: string): boolean => name.endsWith("_switched");

/** RFC 7270 section 4.12. */
const forwardingOf = (bytes: Buffer): object => ({
  reason: bytes[0]! & 63,
  status: bytes[0]! >>> 6,
});

const sorted = (value: object): object =>
  Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));

function mplsOf(bytes: Buffer): object {
  const word = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  return {
    bottom_of_stack: (word >>> 8) & 1,
    experimental: (word >>> 9) & 7,
    label: word >>> 12,
    ttl: word & 255,
  };
}

/** A value in all the ways its type can be written. */
function readings({ bytes, type }: Raw): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  if (bytes.length === 4) texts.push([...bytes].join("."));
  if (bytes.length === 16) texts.push(ipv6Of(bytes));
  if (type === "mac_addr" || bytes.length === 6)
    texts.push(bytes.toString("hex").replaceAll(/(..)(?=.)/g, "$1:"));
  if (type === "string" || type === "octetarray")
    texts.push(
      bytes.toString("utf8").replace(/\0+$/, ""),
      bytes.toString("latin1").replace(/\0+$/, ""),
      bytes.toString("hex"),
    );
  if (type === "acl_id_asa")
    texts.push(bytes.toString("hex").replace(/(.{8})(.{8})(.{8})/, "$1-$2-$3"));
  if (type === "application_id") texts.push(applicationOf(bytes));
  if (bytes.length > 0 && bytes.length <= 8) {
    texts.push(
      bytes.length === 8
        ? String(view.getBigUint64(0))
        : String(readUnsigned(view, 0, bytes.length)),
    );
    if (type.startsWith("int"))
      texts.push(
        String(Number(BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString("hex")}`)))),
      );
    if (type === "float" || type === "double")
      texts.push(String(bytes.length === 4 ? view.getFloat32(0) : view.getFloat64(0)));
  }
  return texts;
}

/** Classification engine and selector (RFC 6759 section 4). */
function applicationOf(bytes: Buffer): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const engine = bytes[0]!;
  if (engine !== VENDORS_OWN) return `${engine}..${readUnsigned(view, 1, bytes.length - 1)}`;
  return `${engine}..${readUnsigned(view, 1, 4)}..${readUnsigned(view, 5, bytes.length - 5)}`;
}
const VENDORS_OWN = 20;

function ipv6Of(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(
    ":",
  );
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}
