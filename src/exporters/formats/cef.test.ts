// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { assert, property } from "fast-check";
import type { Alert } from "../../core/alert.ts";
import { cefAlert } from "./cef.ts";
import { ALERT, alertOf, anyAlert, hostileText, PLACE, readable } from "./testing/alerts.ts";
import { type CefMessage, parseCef } from "./testing/cef-parser.ts";
import { clip } from "./text.ts";

const parsed = (change: Partial<Alert>): CefMessage => parseCef(cefAlert(alertOf(change), PLACE));

describe("cefAlert", () => {
  test("writes an alert in one line", () => {
    expect(cefAlert(ALERT, PLACE)).toBe(
      "CEF:0|Nemean|Nemean|0.1.0|9000101|Vertical port scan|5|" +
        "externalId=019b8d2e-6c00-7abc-8def-0123456789ab dvchost=probe.example.org " +
        "deviceExternalId=north deviceInboundInterface=tap0 cat=Recon.Scanning rt=1767603600123 " +
        "start=1767603540000 end=1767603600123 nemeanUpdate=0 " +
        "nemeanKey=vportscan:198.51.100.7 192.0.2.1 src=198.51.100.7 spt=50000 dst=192.0.2.1 " +
        "nemeanTargetCount=3 proto=TCP cnt=50 flexNumber1Label=packets flexNumber1=60 " +
        "flexNumber2Label=bytes flexNumber2=2640 msg=50 ports of 192.0.2.1 in 60 s " +
        "cn1Label=observed cn1=50 cn2Label=threshold cn2=49 cfp3Label=baseline cfp3=1.5 " +
        "cfp4Label=confidence cfp4=0.9 cs1Label=detector cs1=vportscan " +
        "cs2Label=detector version cs2=1.2.3 cs3Label=techniques cs3=T1046,T1595.001 " +
        "cs4Label=state cs4=open cs5Label=evidence " +
        'cs5=[{"SRC_IP":"198.51.100.7","DST_PORT":22,"BYTES":44}]',
    );
  });

  test("escapes pipes and backslashes in the header, equals signs and line breaks in values", () => {
    const line = cefAlert(alertOf({ title: "a|b\\c=d\n", reason: "a|b\\c=d\r\n\t" }), PLACE);
    expect(line).toContain("|a\\|b\\\\c=d\\\\u000a|");
    expect(line).toContain(" msg=a|b\\\\c\\=d\\r\\n\\\\u0009 ");
  });

  test("has IPv6 addresses in their own fields with their labels", () => {
    const { extension, labelled } = parsed({
      source: { ip: "2001:db8::7" },
      target: { ip: "2001:db8::8" },
    });
    expect(extension.get("c6a2")).toBe("2001:db8::7");
    expect(labelled.get("Source IPv6 Address")).toBe("2001:db8::7");
    expect(labelled.get("Destination IPv6 Address")).toBe("2001:db8::8");
    expect([...extension.keys()]).not.toContainAnyValues(["src", "dst"]);
  });

  test("leaves out addresses and ports that are none", () => {
    const keys = parsed({ source: { ip: "no address", port: 70_000 }, target: {} }).extension;
    for (const key of ["src", "spt", "dst", "dpt", "c6a2Label"]) expect(keys.has(key)).toBe(false);
  });

  test("gives a protocol without a keyword by its number", () => {
    expect(parsed({ protocol: 253 }).extension.get("proto")).toBe("253");
    expect(parsed({ protocol: 58 }).extension.get("proto")).toBe("IPv6-ICMP");
  });

  test("cuts fields at the lengths of the dictionary and says so", () => {
    const { extension, labelled } = parsed({ reason: "r".repeat(1024) });
    expect(extension.get("msg")).toBe("r".repeat(1023));
    expect(labelled.get("cut")).toBe("text");
  });

  test("keeps whole flows of evidence only", () => {
    const evidence = Array.from({ length: 20 }, (_, i) => ({ I: i, URL: "u".repeat(500) }));
    const { labelled } = parsed({ evidence });
    const kept = JSON.parse(labelled.get("evidence")!) as unknown[];
    expect(kept).toEqual(evidence.slice(0, 7));
    expect(labelled.get("evidence")!.length).toBeLessThanOrEqual(4000);
    expect(labelled.get("cut")).toBe("evidence");
  });

  test("gives every text back to a strict reader", () => {
    assert(
      property(anyAlert(hostileText), (alert) => {
        const { name, extension, labelled, severity } = parseCef(cefAlert(alert, PLACE));
        const value = (text: string): string | undefined =>
          readable(clip(text, 1023), "\r\n") || undefined;
        expect(name).toBe(readable(alert.title));
        expect(severity).toBe(alert.severity);
        expect(extension.get("msg")).toBe(value(alert.reason));
        expect(extension.get("cat")).toBe(value(alert.category));
        expect(extension.get("nemeanKey")).toBe(value(alert.key));
        expect(extension.get("deviceExternalId")).toBe(value(alert.sensor));
        expect(labelled.get("detector")).toBe(value(alert.detector));
        expect(labelled.get("techniques")).toBe(value(alert.techniques.join(",")));
        expect(extension.get("rt")).toBe(String(Math.trunc(alert.detectTime / 1000)));
      }),
    );
  });
});
