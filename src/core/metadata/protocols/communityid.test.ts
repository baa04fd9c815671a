// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import {
  ETHERTYPE,
  ethernet,
  ipv4,
  ipv6,
  PROTOCOL,
  tcp,
  u16,
  udp,
  zeros,
} from "../../packet/test-kit.ts";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import communityid from "./communityid.ts";

testProtocol(communityid);

interface Ends {
  readonly source: string;
  readonly target: string;
}

function idsOf(protocol: number, transport: readonly number[], ends: Ends): unknown[] {
  const frame = ends.source.includes(":")
    ? ethernet(ETHERTYPE.ipv6, ipv6(transport, { ...ends, next: protocol }))
    : ethernet(ETHERTYPE.ipv4, ipv4(transport, { ...ends, protocol }));
  return protocolRows(communityid, [[1e15, Uint8Array.from(frame)]]).map(
    (row) => row["COMMUNITY_ID"],
  );
}
const turned = ({ source, target }: Ends): Ends => ({ source: target, target: source });

// Identifiers of the specification's own baseline.
test("communityid is the same for both directions of TCP, UDP and SCTP", () => {
  const web = { source: "128.232.110.120", target: "66.35.250.204" };
  const webId = ["1:LQU9qZlK+B5F3KDmev6m5PMibrg="];
  expect(idsOf(PROTOCOL.tcp, tcp(34855, 80, 2), web)).toEqual(webId);
  expect(idsOf(PROTOCOL.tcp, tcp(80, 34855, 18), turned(web))).toEqual(webId);
  const mail = {
    source: "2001:470:e5bf:dead:4957:2174:e82c:4887",
    target: "2607:f8b0:400c:c03::1a",
  };
  const mailId = ["1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="];
  expect(idsOf(PROTOCOL.tcp, tcp(63943, 25, 2), mail)).toEqual(mailId);
  expect(idsOf(PROTOCOL.tcp, tcp(25, 63943, 18), turned(mail))).toEqual(mailId);
  const dns = { source: "192.168.1.52", target: "8.8.8.8" };
  const dnsId = ["1:d/FP5EW3wiY1vCndhwleRRKHowQ="];
  expect(idsOf(PROTOCOL.udp, udp(54585, 53), dns)).toEqual(dnsId);
  expect(idsOf(PROTOCOL.udp, udp(53, 54585), turned(dns))).toEqual(dnsId);
  const sctp = { source: "192.168.170.8", target: "192.168.170.56" };
  const sctpId = ["1:MP2EtRCAUIZvTw6MxJHLV7N7JDs="];
  expect(idsOf(132, [...u16(7), ...u16(7), ...zeros(8)], sctp)).toEqual(sctpId);
  expect(idsOf(132, [...u16(7), ...u16(7), ...zeros(8)], turned(sctp))).toEqual(sctpId);
});

test("communityid orders equal addresses by port", () => {
  const loop = { source: "127.0.0.1", target: "127.0.0.1" };
  const [up] = idsOf(PROTOCOL.tcp, tcp(34855, 80, 2), loop);
  expect(up).toStartWith("1:");
  expect(idsOf(PROTOCOL.tcp, tcp(80, 34855, 2), loop)).toEqual([up]);
});

test("communityid takes the types of ICMP and their answers for ports", () => {
  const ping = { source: "192.168.0.89", target: "192.168.0.1" };
  const pingId = ["1:X0snYXpgwiv9TZtqg64sgzUn6Dk="];
  expect(idsOf(PROTOCOL.icmp, [8, 0, ...zeros(6)], ping)).toEqual(pingId);
  expect(idsOf(PROTOCOL.icmp, [0, 0, ...zeros(6)], turned(ping))).toEqual(pingId);
  const ends = { source: "3ffe:507:0:1:200:86ff:fe05:80da", target: "3ffe:501:0:1001::2" };
  const ping6Id = ["1:+TW+HtLHvV1xnGhV1lv7XoJrqQg="];
  expect(idsOf(PROTOCOL.icmpv6, [128, 0, ...zeros(6)], ends)).toEqual(ping6Id);
  expect(idsOf(PROTOCOL.icmpv6, [129, 0, ...zeros(6)], turned(ends))).toEqual(ping6Id);
  const ask = { source: "fe80::200:86ff:fe05:80da", target: "ff02::2" };
  expect(idsOf(PROTOCOL.icmpv6, [133, 0, ...zeros(6)], ask)).toEqual([
    "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=",
  ]);
});

test("communityid has the direction of ICMP without an answer", () => {
  const late = { source: "10.0.0.1", target: "10.0.0.2" };
  const lateId = "1:YHxtAirCG//0OzkcVAukqKQN9xM=";
  expect(idsOf(PROTOCOL.icmp, [11, 0, ...zeros(6)], late)).toEqual([lateId]);
  expect(idsOf(PROTOCOL.icmp, [11, 0, ...zeros(6)], turned(late))).not.toEqual([lateId]);
  const far = {
    source: "3ffe:501:410:0:2c0:dfff:fe47:33e",
    target: "3ffe:507:0:1:200:86ff:fe05:80da",
  };
  expect(idsOf(PROTOCOL.icmpv6, [1, 4, ...zeros(6)], far)).toEqual([
    "1:hLZd0XGWojozrvxqE0dWB1iM6R0=",
  ]);
  // tshark 4.0's, of an end with the greater address.
  const barred = { source: "104.253.185.41", target: "10.10.10.10" };
  expect(idsOf(PROTOCOL.icmp, [3, 10, ...zeros(6)], barred)).toEqual([
    "1:3o4eWz+re95BXLFMH96LzHQF3C8=",
  ]);
});

test("communityid leaves ports out where there are none", () => {
  const ends = { source: "10.1.12.1", target: "10.1.12.2" };
  const id = ["1:KHlLkgoJW7ifUTyTSgyVfkFHzKw="];
  expect(idsOf(46, zeros(8), ends)).toEqual(id);
  expect(idsOf(46, [], turned(ends))).toEqual(id);
  expect(idsOf(PROTOCOL.icmp, [8], ends)).toHaveLength(1);
  expect(idsOf(132, [0], ends)).toHaveLength(1);
});
