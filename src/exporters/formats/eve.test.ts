// SPDX-License-Identifier: BSD-3-Clause
import { describe, expect, test } from "bun:test";
import { assert, property } from "fast-check";
import type { Alert } from "../../core/alert.ts";
import { eveAlert } from "./eve.ts";
import { ALERT, alertOf, anyAlert, hostileText, PLACE } from "./testing/alerts.ts";
import { eveComplaints } from "./testing/eve-rules.ts";

interface Eve {
  readonly flow_id: number;
  readonly host: string;
  readonly src_ip?: string;
  readonly in_iface?: string;
  readonly alert: {
    readonly signature: string;
    readonly category: string;
    readonly severity: number;
    readonly metadata: Readonly<Record<string, readonly string[]>>;
  };
}
const parsed = (alert: Alert): Eve => JSON.parse(eveAlert(alert, PLACE)) as Eve;

describe("eveAlert", () => {
  test("writes an alert in one line", () => {
    expect(eveAlert(ALERT, PLACE)).toBe(
      '{"timestamp":"2026-01-05T09:00:00.123456+0000","flow_id":1611533587282182,' +
        '"in_iface":"tap0","event_type":"alert","src_ip":"198.51.100.7","src_port":50000,' +
        '"dest_ip":"192.0.2.1","proto":"TCP","host":"north","alert":{"action":"allowed","gid":1,' +
        '"signature_id":9000101,"rev":1,"signature":"Vertical port scan",' +
        '"category":"Detection of a Network Scan","severity":2,"metadata":{' +
        '"mitre_technique_id":["T1046","T1595.001"],' +
        '"nemean_id":["019b8d2e-6c00-7abc-8def-0123456789ab"],' +
        '"nemean_key":["vportscan:198.51.100.7 192.0.2.1"],"nemean_update":["0"],' +
        '"nemean_state":["open"],"nemean_detector":["vportscan"],"nemean_version":["1.2.3"],' +
        '"nemean_category":["Recon.Scanning"],"nemean_severity":["5"],"nemean_confidence":["0.9"],' +
        '"nemean_reason":["50 ports of 192.0.2.1 in 60 s"],"nemean_observed":["50"],' +
        '"nemean_threshold":["49"],"nemean_baseline":["1.5"],' +
        '"nemean_last_time":["2026-01-05T09:00:00.123456+0000"],"nemean_flows":["50"],' +
        '"nemean_packets":["60"],"nemean_bytes":["2640"],"nemean_target_count":["3"],' +
        '"nemean_evidence":["{\\"SRC_IP\\":\\"198.51.100.7\\",\\"DST_PORT\\":22,\\"BYTES\\":44}"]}},' +
        '"flow":{"start":"2026-01-05T08:59:00.000001+0000"}}',
    );
  });

  test("keeps the rules of EVE and gives every text back", () => {
    assert(
      property(anyAlert(hostileText), (alert) => {
        expect(eveComplaints(eveAlert(alert, PLACE))).toEqual([]);
        const { signature, metadata } = parsed(alert).alert;
        expect(signature).toBe(alert.title.toWellFormed());
        expect(metadata["nemean_reason"]).toEqual([alert.reason.toWellFormed()]);
        expect(metadata["nemean_category"]).toEqual([alert.category.toWellFormed()]);
        expect(metadata["nemean_evidence"] ?? []).toHaveLength(alert.evidence.length);
        expect(metadata["mitre_technique_id"] ?? []).toEqual(
          alert.techniques.map((text) => text.toWellFormed()),
        );
      }),
    );
  });

  test.each([
    ["Recon.Scanning", "Detection of a Network Scan"],
    ["Recon.Sniffing", "Attempted Information Leak"],
    ["Attempt.Login", "Attempted Administrator Privilege Gain"],
    ["Attempt.NewSignature", "Misc Attack"],
    ["Availability.DDoS", "Detection of a Denial of Service Attack"],
    ["Intrusion.Botnet", "Malware Command and Control Activity Detected"],
    ["Suspicious.Miner", "Crypto Currency Mining Activity Detected"],
    ["Malware.Rootkit", "A Network Trojan was detected"],
    ["Anomaly.Connection", "Potentially Bad Traffic"],
    ["Nonsense", "Misc activity"],
    ["", "Misc activity"],
  ])("maps the category %s to %s", (category, expected) => {
    const alert = alertOf({ category });
    expect(parsed(alert).alert.category).toBe(expected);
    expect(eveComplaints(eveAlert(alert, PLACE))).toEqual([]);
  });

  test.each([
    [0, 4],
    [1, 3],
    [3, 3],
    [4, 2],
    [6, 2],
    [7, 1],
    [10, 1],
  ])("maps the severity %d to %d", (severity, expected) => {
    expect(parsed(alertOf({ severity })).alert.severity).toBe(expected);
  });

  test("has one flow_id for all updates of an event and another for the next", () => {
    const { flow_id } = parsed(ALERT);
    expect(parsed(alertOf({ update: 7, state: "closed" })).flow_id).toBe(flow_id);
    expect(parsed(alertOf({ id: Bun.randomUUIDv7() })).flow_id).not.toBe(flow_id);
  });

  test("names the product's host when the sensor has no name, and no interface when there is none", () => {
    const event = parsed(alertOf({ sensor: "", interface: "", source: { ip: "nobody" } }));
    expect(event.host).toBe(PLACE.host);
    expect(event).not.toContainAnyKeys(["in_iface", "src_ip"]);
  });

  test("eveComplaints finds what is wrong", () => {
    const spoilt = (change: (event: Record<string, unknown>) => void): string[] => {
      const event = JSON.parse(eveAlert(ALERT, PLACE)) as Record<string, unknown>;
      change(event);
      return eveComplaints(JSON.stringify(event));
    };
    expect(spoilt((event) => Object.assign(event, { ours: 1 }))).toEqual(["key ours"]);
    expect(spoilt((event) => Object.assign(event, { timestamp: "2026-01-05T09:00:00Z" }))).toEqual([
      "timestamp",
    ]);
    const alert = (event: Record<string, unknown>) => event["alert"] as Record<string, unknown>;
    expect(spoilt((event) => Object.assign(alert(event)["metadata"]!, { a: [{}] }))).toEqual([
      "metadata a",
    ]);
    expect(spoilt((event) => Object.assign(alert(event), { severity: 5 }))).toEqual([
      "alert.severity",
    ]);
  });
});
