// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, property } from "fast-check";
import { parseTime } from "../../core/unirec/time.ts";
import { jsonAlert } from "./json.ts";
import { ALERT, alertOf, anyAlert, hostileText } from "./testing/alerts.ts";

test("jsonAlert writes the canonical alert in one line", () => {
  expect(jsonAlert(ALERT)).toBe(
    '{"id":"019b8d2e-6c00-7abc-8def-0123456789ab","key":"vportscan:198.51.100.7 192.0.2.1","update":0,' +
      '"state":"open","detector":"vportscan","version":"1.2.3","rule":9000101,' +
      '"title":"Vertical port scan","category":"Recon.Scanning","severity":5,"confidence":0.9,' +
      '"techniques":["T1046","T1595.001"],"detectTime":"2026-01-05T09:00:00.123456Z",' +
      '"firstTime":"2026-01-05T08:59:00.000001Z","lastTime":"2026-01-05T09:00:00.123456Z",' +
      '"source":{"ip":"198.51.100.7","port":50000},"target":{"ip":"192.0.2.1","count":3},' +
      '"protocol":6,"flows":50,"packets":60,"bytes":2640,"reason":"50 ports of 192.0.2.1 in 60 s",' +
      '"observed":50,"threshold":49,"baseline":1.5,' +
      '"evidence":[{"SRC_IP":"198.51.100.7","DST_PORT":22,"BYTES":44}],' +
      '"sensor":"north","interface":"tap0"}',
  );
});

test("jsonAlert has no key for a number that is none", () => {
  const line = jsonAlert(alertOf({ observed: Number.POSITIVE_INFINITY, threshold: Number.NaN }));
  expect(JSON.parse(line)).not.toContainAnyKeys(["observed", "threshold"]);
});

test("jsonAlert gives every field back", () => {
  const clean = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value, (_, item) => (typeof item === "string" ? item.toWellFormed() : item)),
    );
  assert(
    property(anyAlert(hostileText), (alert) => {
      const back = JSON.parse(jsonAlert(alert)) as Record<string, unknown>;
      const { observed, ...rest } = alert;
      const expected = Number.isFinite(observed) ? { ...rest, observed } : rest;
      const times = ["detectTime", "firstTime", "lastTime"] as const;
      for (const time of times) back[time] = parseTime(String(back[time]));
      expect(back).toEqual(clean(expected) as Record<string, unknown>);
    }),
  );
});
