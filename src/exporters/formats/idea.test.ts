// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { assert, property } from "fast-check";
import type { Alert } from "../../core/alert.ts";
import type { SinkPlace } from "../../core/exporter.ts";
import { ideaAlert, messageId } from "./idea.ts";
import { ALERT, alertOf, anyAlert, hostileText, PLACE } from "./testing/alerts.ts";
import { ideaComplaints } from "./testing/idea-rules.ts";

interface Idea {
  readonly ID: string;
  readonly AggrID?: readonly string[];
  readonly Description: string;
  readonly Note: string;
  readonly Category: readonly string[];
  readonly Ref?: readonly string[];
  readonly Source?: readonly Readonly<Record<string, unknown>>[];
  readonly Target?: readonly Readonly<Record<string, unknown>>[];
  readonly Attach?: readonly { readonly Content: string }[];
  readonly Node: readonly { readonly Name: string }[];
}
const parsed = (change: Partial<Alert>, place: SinkPlace = PLACE): Idea =>
  JSON.parse(ideaAlert(alertOf(change), place)) as Idea;

describe("ideaAlert", () => {
  test("writes an alert in one line", () => {
    expect(ideaAlert(ALERT, PLACE)).toBe(
      '{"Format":"IDEA0","ID":"019b8d2e-6c00-7abc-8def-0123456789ab",' +
        '"DetectTime":"2026-01-05T09:00:00.123456Z","EventTime":"2026-01-05T08:59:00.000001Z",' +
        '"CeaseTime":"2026-01-05T09:00:00.123456Z","Category":["Recon.Scanning"],' +
        '"Confidence":0.9,"Description":"Vertical port scan","Note":"50 ports of 192.0.2.1 in 60 s",' +
        '"Ref":["https://attack.mitre.org/techniques/T1046/",' +
        '"https://attack.mitre.org/techniques/T1595/001/"],' +
        '"FlowCount":50,"PacketCount":60,"ByteCount":2640,' +
        '"Source":[{"IP4":["198.51.100.7"],"Port":[50000],"Proto":["tcp"]}],' +
        '"Target":[{"IP4":["192.0.2.1"],"Proto":["tcp"],"Note":"3 addresses"}],' +
        '"Attach":[{"Handle":"evidence","Note":"Flows that show it",' +
        '"ContentType":"application/json",' +
        '"Content":"[{\\"SRC_IP\\":\\"198.51.100.7\\",\\"DST_PORT\\":22,\\"BYTES\\":44}]"}],' +
        '"Node":[{"Name":"org.example.probe.nemean.vportscan","SW":["Nemean","vportscan"],' +
        '"Type":["Flow","Statistical"]}],' +
        '"_Nemean":{"EventID":"019b8d2e-6c00-7abc-8def-0123456789ab",' +
        '"EventKey":"vportscan:198.51.100.7 192.0.2.1","Update":0,"State":"open","Rule":9000101,' +
        '"Severity":5,"Version":"1.2.3","Observed":50,"Threshold":49,"Baseline":1.5,' +
        '"Sensor":"north","Interface":"tap0"}}',
    );
  });

  test("keeps the rules of IDEA and gives every text back", () => {
    assert(
      property(anyAlert(hostileText), hostileText, (alert, host) => {
        const line = ideaAlert(alert, { ...PLACE, host });
        expect(ideaComplaints(line)).toEqual([]);
        const event = JSON.parse(line) as Idea;
        expect(event.Description).toBe(alert.title.toWellFormed());
        expect(event.Note).toBe(alert.reason.toWellFormed());
        expect(event.Category).toEqual([alert.category.toWellFormed() || "Other"]);
        const flows = event.Attach ? (JSON.parse(event.Attach[0]!.Content) as unknown[]) : [];
        expect(flows).toHaveLength(alert.evidence.length);
      }),
    );
  });

  test("gives each update an ID of its own that points at the event's", () => {
    const second = parsed({ update: 1 });
    expect(second.ID).not.toBe(ALERT.id);
    expect(second.AggrID).toEqual([ALERT.id]);
    expect(parsed({ update: 1 }).ID).toBe(second.ID);
    const ids = Array.from({ length: 100 }, (_, update) => parsed({ update }).ID);
    expect(new Set(ids).size).toBe(100);
  });

  test("messageId makes a UUID of version 8 and of RFC 9562's variant", () => {
    expect(messageId(alertOf({ update: 3 }))).toBe("6cc577fb-63c0-8f8d-9ef4-ee635dbf8460");
    for (let update = 1; update < 100; update++) {
      expect(messageId(alertOf({ update }))).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
    }
  });

  test("tells the families of addresses apart and is silent on an end nothing is known of", () => {
    const event = parsed({ source: { ip: "2001:db8::7", port: 22 }, target: {} });
    expect(event.Source).toEqual([{ IP6: ["2001:db8::7"], Port: [22], Proto: ["tcp"] }]);
    expect(event.Target).toBeUndefined();
  });

  test.each([
    ["probe.example.org", "org.example.probe.nemean.vportscan"],
    ["10-gate.example", "example._10_gate.nemean.vportscan"],
    ["", "nemean.vportscan"],
    ["..", "nemean.vportscan"],
    ["漢\n", "__.nemean.vportscan"],
  ])("names the node on %p %s", (host, name) => {
    expect(parsed({}, { ...PLACE, host }).Node[0]!.Name).toBe(name);
  });

  test("refers to techniques that look like one only", () => {
    expect(parsed({ techniques: ["T1046", "T1/../../evil", "x"] }).Ref).toHaveLength(1);
    expect(parsed({ techniques: [] }).Ref).toBeUndefined();
  });

  test("ideaComplaints finds what is wrong", () => {
    const spoilt = (change: object): string[] =>
      ideaComplaints(JSON.stringify({ ...JSON.parse(ideaAlert(ALERT, PLACE)), ...change }));
    expect(spoilt({ Source: [{ IP4: ["2001:db8::1"] }] })).toEqual(["Source"]);
    expect(spoilt({ Target: [{ Port: 22 }] })).toEqual(["Target"]);
    expect(spoilt({ Ours: 1 })).toEqual(["Ours"]);
    expect(spoilt({ Node: [{ Name: "alone" }] })).toEqual(["Node"]);
    expect(spoilt({ DetectTime: undefined })).toEqual(["DetectTime"]);
  });
});
