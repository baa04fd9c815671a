// SPDX-License-Identifier: BSD-3-Clause
/** Alerts for the tests of formats: a plain one, and any that strings from the wire can make. */
import {
  type Arbitrary,
  array,
  constantFrom,
  double,
  integer,
  oneof,
  record,
  string,
} from "fast-check";
import type { Alert, EvidenceFlow } from "../../../core/alert.ts";
import type { SinkPlace } from "../../../core/exporter.ts";

export const PLACE: SinkPlace = { host: "probe.example.org", version: "0.1.0" };

export const ALERT: Alert = {
  id: "019b8d2e-6c00-7abc-8def-0123456789ab",
  key: "vportscan:198.51.100.7 192.0.2.1",
  update: 0,
  state: "open",
  detector: "vportscan",
  version: "1.2.3",
  rule: 9_000_101,
  title: "Vertical port scan",
  category: "Recon.Scanning",
  severity: 5,
  confidence: 0.9,
  techniques: ["T1046", "T1595.001"],
  detectTime: 1_767_603_600_123_456,
  firstTime: 1_767_603_540_000_001,
  lastTime: 1_767_603_600_123_456,
  source: { ip: "198.51.100.7", port: 50_000 },
  target: { ip: "192.0.2.1", count: 3 },
  protocol: 6,
  flows: 50,
  packets: 60,
  bytes: 2640,
  reason: "50 ports of 192.0.2.1 in 60 s",
  observed: 50,
  threshold: 49,
  baseline: 1.5,
  evidence: [{ SRC_IP: "198.51.100.7", DST_PORT: 22, BYTES: 44n }],
  sensor: "north",
  interface: "tap0",
};

export const alertOf = (change: Partial<Alert> = {}): Alert => ({ ...ALERT, ...change });

/** What breaks a format that escapes too little, and halves of characters. */
const HOSTILE = [
  ...'|=]"\\[<>&,; \n\r\t\0\u001b\u007f\u0085\u009b\u2028\u2029é漢😀',
  "\ud800",
  "\udc00",
  "\\n",
  "\\ud800",
  "</script>",
  " cs1=",
  "\x1b[2J",
  "CEF:0|",
];
export const hostileText: Arbitrary<string> = oneof(
  string({ unit: constantFrom(...HOSTILE), maxLength: 30 }),
  string({ unit: "binary", maxLength: 30 }),
);
/** 64 KB, which no format may take as it is. */
const LONG = ["a", "\0", "😀", '"\\', "=", "\ud800", "é\u2028"].map((unit) =>
  unit.repeat(65_536 / unit.length),
);
export const longText: Arbitrary<string> = oneof(
  { weight: 3, arbitrary: hostileText },
  { weight: 1, arbitrary: constantFrom(...LONG) },
);

const anyFlow = (text: Arbitrary<string>): Arbitrary<EvidenceFlow> =>
  record({ SRC_IP: constantFrom("192.0.2.9"), HTTP_URL: text, BYTES: integer({ min: 0 }) });

/** Any alert whose texts are of a kind. */
export const anyAlert = (text: Arbitrary<string>): Arbitrary<Alert> =>
  record({
    id: constantFrom(ALERT.id),
    key: text,
    update: integer({ min: 0, max: 1000 }),
    state: constantFrom("open" as const, "closed" as const),
    detector: text,
    version: text,
    rule: integer({ min: 9_000_000, max: 9_999_999 }),
    title: text,
    category: oneof(text, constantFrom("Recon.Scanning", "Attempt.Login", "Malware.Rootkit")),
    severity: integer({ min: 0, max: 10 }),
    confidence: double({ min: 0, max: 1, noNaN: true }),
    techniques: array(text, { maxLength: 5 }),
    detectTime: integer({ min: 0, max: 4_000_000_000_000_000 }),
    firstTime: integer({ min: 0, max: 4_000_000_000_000_000 }),
    lastTime: integer({ min: 0, max: 4_000_000_000_000_000 }),
    source: oneof(
      record({
        ip: constantFrom("192.0.2.7", "2001:db8::7"),
        port: integer({ min: 0, max: 65_535 }),
      }),
      record({ ip: text, count: integer({ min: 0, max: 1000 }) }),
      constantFrom({}),
    ),
    target: record({ ip: constantFrom("192.0.2.8", "2001:db8::8") }),
    protocol: integer({ min: 0, max: 255 }),
    flows: integer({ min: 0 }),
    reason: text,
    observed: double(),
    threshold: integer(),
    evidence: array(anyFlow(text), { maxLength: 20 }),
    sensor: text,
    interface: text,
  });

const isUnsafe = (code: number): boolean =>
  code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0x2028 || code === 0x2029;

/** Whether a text is one line that may be shown on any terminal. */
export const isOneLine = (text: string): boolean =>
  text.isWellFormed() && ![...text].some((char) => isUnsafe(char.codePointAt(0)!));

/** A text as a reader gets it whose format has no escape for control characters but those in `kept`. */
export const readable = (text: string, kept = ""): string =>
  [...text.toWellFormed()]
    .map((char) =>
      isUnsafe(char.codePointAt(0)!) && !kept.includes(char)
        ? `\\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`
        : char,
    )
    .join("");
