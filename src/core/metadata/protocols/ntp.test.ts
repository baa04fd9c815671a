// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { u32, zeros } from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams } from "../testing/text-frames.ts";
import ntp from "./ntp.ts";

testProtocol(ntp, { capture: "ntp.pcap" });

const GPS = [0x47, 0x50, 0x53, 0];
const QUERY = [0xe3, 0, 6, 0xec, ...zeros(36), ...u32(3_669_303_269), ...u32(0x80_00_00_00)];
const ANSWER = [
  ...[0x24, 1, 6, 0xec],
  ...u32(7),
  ...u32(0x1_00_02),
  ...GPS,
  ...u32(3_669_303_270),
  // Each of these bytes is a single digit.
  ...u32(0x01_02_03_04),
  ...zeros(24),
];

type Payloads = readonly (readonly [side: 0 | 1, payload: readonly number[]])[];

const rows = (payloads: Payloads, compat = false): Record<string, unknown>[] =>
  protocolRows(
    ntp,
    datagrams(
      payloads.map(([side, payload]) => [side, String.fromCharCode(...payload)]),
      123,
    ),
    { compat },
  );

test("ntp keeps the server's answer of a flow that has query and answer", () => {
  const payloads: Payloads = [
    [0, QUERY],
    [1, ANSWER],
    [0, QUERY],
  ];
  expect(rows(payloads)).toMatchObject([
    {
      PACKETS: 2,
      PACKETS_REV: 1,
      NTP_LEAP: 0,
      NTP_VERSION: 4,
      NTP_MODE: 4,
      NTP_STRATUM: 1,
      NTP_POLL: 6,
      NTP_PRECISION: 0xec,
      NTP_DELAY: 7,
      NTP_DISPERSION: 0x1_00_02,
      NTP_REF_ID: "GPS",
      NTP_REF: "3669303270.003936",
      NTP_ORIG: "0.000000",
    },
  ]);
});

test("ntp keeps the first query where no answer follows", () => {
  const payloads: Payloads = [
    [0, QUERY],
    [0, QUERY.with(0, 0x23)],
  ];
  expect(rows(payloads)).toMatchObject([
    { NTP_LEAP: 3, NTP_MODE: 3, NTP_SENT: "3669303269.500000" },
  ]);
});

test("ntp ends flows at each message in compat mode, and puts digits in a row as ipfixprobe", () => {
  const payloads: Payloads = [
    [0, QUERY],
    [1, ANSWER],
  ];
  const each = rows(payloads, true);
  expect(each).toHaveLength(2);
  expect(each[1]).toMatchObject({
    NTP_MODE: 4,
    NTP_DELAY: 9,
    NTP_REF_ID: "71.80.83.0",
    NTP_REF: "3669303270.000001",
  });
});

test("ntp tells control and private messages by their mode alone", () => {
  const monlist = [0x17, 0, 3, 42, ...zeros(4)];
  expect(rows([[0, monlist]])).toMatchObject([
    { NTP_MODE: 7, NTP_VERSION: 2, NTP_STRATUM: 0, NTP_REF: "" },
  ]);
  expect(rows([[0, monlist]], true)).toEqual([]);
});

test("ntp finds nothing in messages cut off, of other versions, or of a stratum that is not", () => {
  const nothing = [{ NTP_VERSION: 0, NTP_SENT: "" }];
  expect(rows([[0, QUERY.slice(0, 47)]])).toMatchObject(nothing);
  expect(rows([[0, QUERY.with(0, 0xfb)]])).toMatchObject(nothing);
  expect(rows([[0, QUERY.with(1, 17)]])).toMatchObject(nothing);
  expect(rows([[0, QUERY.with(1, 16)]])).toMatchObject([{ NTP_VERSION: 4 }]);
});
