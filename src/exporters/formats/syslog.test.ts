// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { array, assert, property, uint8Array } from "fast-check";
import { octetCounted, syslogMessage } from "./syslog.ts";
import {
  ALERT,
  alertOf,
  anyAlert,
  hostileText,
  isOneLine,
  PLACE,
  readable,
} from "./testing/alerts.ts";
import { framesOf, parseSyslog } from "./testing/syslog-parser.ts";
import { clip } from "./text.ts";

const LOCAL0 = 16;
const textOf = (message: Uint8Array): string => Buffer.from(message).toString();

describe("syslogMessage", () => {
  test("writes a message around a body", () => {
    expect(textOf(syslogMessage("body", ALERT, PLACE, LOCAL0))).toBe(
      "<132>1 2026-01-05T09:00:00.123456Z probe.example.org nemean - ALERT " +
        '[nemean@32473 id="019b8d2e-6c00-7abc-8def-0123456789ab" update="0" detector="vportscan" ' +
        'rule="9000101" severity="5" source="198.51.100.7" target="192.0.2.1"] body',
    );
  });

  test("begins a body that is not ASCII with a BOM", () => {
    const message = syslogMessage("é", ALERT, PLACE, LOCAL0);
    expect([...message.subarray(-5)]).toEqual([0xef, 0xbb, 0xbf, 0xc3, 0xa9]);
  });

  test("escapes quotes, backslashes and brackets in values and nothing else", () => {
    const alert = alertOf({ detector: 'a"b\\c]d[e=\n' });
    const text = textOf(syslogMessage("", alert, PLACE, LOCAL0));
    expect(text).toContain(' detector="a\\"b\\\\c\\]d[e=\\\\u000a" ');
  });

  test.each([
    [0, 6],
    [1, 5],
    [4, 4],
    [7, 3],
    [8, 3],
    [9, 2],
    [10, 2],
  ])("maps the severity %d to %d", (severity, expected) => {
    const message = syslogMessage("", alertOf({ severity }), PLACE, LOCAL0);
    expect(parseSyslog(message).severity).toBe(expected);
  });

  test.each([
    [0, 0],
    [23, 23],
    [24, 23],
    [-1, 0],
    [Number.NaN, 0],
  ])("takes the facility %d for %d", (facility, expected) => {
    expect(parseSyslog(syslogMessage("", ALERT, PLACE, facility)).facility).toBe(expected);
  });

  test.each([
    ["", "-"],
    ["a b\n漢", "a-b--"],
    ["h".repeat(300), "h".repeat(255)],
  ])("has a host of printable ASCII for %p", (host, expected) => {
    expect(parseSyslog(syslogMessage("", ALERT, { ...PLACE, host }, LOCAL0)).host).toBe(expected);
  });

  test("gives body and values back to a strict reader, in one line", () => {
    assert(
      property(anyAlert(hostileText), hostileText, hostileText, (alert, body, host) => {
        const bytes = syslogMessage(body, alert, { ...PLACE, host }, LOCAL0);
        expect(isOneLine(textOf(bytes))).toBe(true);
        const message = parseSyslog(bytes);
        expect(message.body).toBe(readable(body));
        expect(message.element).toBe("nemean@32473");
        expect(message.params.get("id")).toBe(alert.id);
        expect(message.params.get("detector")).toBe(readable(clip(alert.detector, 256)));
        expect(message.params.get("target")).toBe(alert.target.ip);
      }),
    );
  });

  test("keeps values short, however long the alert's are", () => {
    const alert = alertOf({ detector: "d".repeat(65_536) });
    const { params } = parseSyslog(syslogMessage("", alert, PLACE, LOCAL0));
    expect(params.get("detector")).toHaveLength(256);
  });
});

describe("octetCounted", () => {
  test("puts the length in bytes before a message", () => {
    expect(textOf(octetCounted(Buffer.from("é\n")))).toBe("3 é\n");
  });

  test("lets a reader tell messages apart, whatever bytes they are of", () => {
    assert(
      property(array(uint8Array({ minLength: 1, maxLength: 50 })), (messages) => {
        const stream = Buffer.concat(messages.map(octetCounted));
        expect(framesOf(stream).map((frame) => [...frame])).toEqual(messages.map((m) => [...m]));
      }),
    );
  });
});
