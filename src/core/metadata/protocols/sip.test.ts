// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { datagrams, message, streamFrames, talk } from "../testing/text-frames.ts";
import sip from "./sip.ts";

testProtocol(sip, { capture: "sip.pcap" });

const INVITE = message(
  "INVITE sip:bob@example.net SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK-2",
  "v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1",
  'From: "Alice: <boss" <sip:alice@example.org;transport=udp>;tag=1',
  "t: sip:bob@example.net;tag=2",
  "Call-ID: <1234@192.0.2.1>",
  "CSeq: 1 INVITE",
  "User-Agent: phone/1 (x)",
);
const FOUND = {
  SIP_MSG_TYPE: 1,
  SIP_CSEQ: "1 INVITE",
  SIP_CALLED_PARTY: "sip:bob@example.net",
  SIP_CALL_ID: "<1234@192.0.2.1>",
  SIP_USER_AGENT: "phone/1 (x)",
  SIP_REQUEST_URI: "sip:bob@example.net",
  SIP_VIA: "SIP/2.0/UDP 192.0.2.9:5060;SIP/2.0/UDP 192.0.2.1",
};
const CALLING = "sip:alice@example.org;transport=udp";
const reply = (line: string) =>
  message(`SIP/2.0 ${line}`, "Via: SIP/2.0/UDP 192.0.2.1", "Call-ID: 77", "CSeq: 1 INVITE");
const CALL = [
  [0, INVITE],
  [1, reply("100 Trying")],
  [1, reply("486 Busy Here")],
  [0, message("ACK sip:bob@example.net SIP/2.0", "CSeq: 1 ACK", "Call-ID: 1234@192.0.2.1")],
] as const;

test("sip gives one biflow its first message and the status of the last response", () => {
  const found = protocolRows(sip, datagrams(CALL, 5060));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({ ...FOUND, SIP_CALLING_PARTY: CALLING, SIP_STATUS_CODE: 486 });
});

test("sip makes each transaction between one pair of ports a flow, of a call, of logins, of a search for users", () => {
  const register = (callId: number, cseq: number) =>
    message("REGISTER sip:example.net SIP/2.0", `Call-ID: ${callId}`, `CSeq: ${cseq} REGISTER`);
  const answer = (line: string, cseq: number) =>
    message(`SIP/2.0 ${line}`, "Call-ID: 1", `CSeq: ${cseq} REGISTER`);
  const rows = protocolRows(
    sip,
    datagrams(
      [
        [0, register(1, 1)],
        [0, register(1, 1)], // once more, since no answer came
        [1, answer("401 Unauthorized", 1)],
        [0, register(1, 2)],
        [1, answer("200 OK", 2)],
        [0, register(2, 1)],
        [0, register(3, 1)],
      ],
      5060,
    ),
  );
  expect(
    rows.map(({ SIP_CALL_ID, SIP_CSEQ, SIP_STATUS_CODE }) => [
      SIP_CALL_ID,
      SIP_CSEQ,
      SIP_STATUS_CODE,
    ]),
  ).toEqual([
    ["1", "1 REGISTER", 401],
    ["1", "2 REGISTER", 200],
    ["2", "1 REGISTER", 0],
    ["3", "1 REGISTER", 0],
  ]);
});

test("sip reads messages over TCP, split over segments or not", () => {
  for (const cuts of [[], [2, 4, 100, 300]]) {
    const frames = streamFrames(
      [
        [0, INVITE, cuts],
        [1, reply("180 Ringing"), cuts],
        [1, reply("200 OK"), cuts],
      ],
      7000,
    );
    const [row] = protocolRows(sip, frames);
    expect(row).toMatchObject({ ...FOUND, SIP_CALLING_PARTY: CALLING, SIP_STATUS_CODE: 200 });
  }
});

test("sip says what it has of a header that the flow ends in", () => {
  const [row] = protocolRows(sip, talk([[0, INVITE.slice(0, INVITE.indexOf("(x)"))]], 5060));
  expect(row).toMatchObject({ ...FOUND, SIP_USER_AGENT: "" });
});

test("sip takes a response for the first message where no request was seen", () => {
  const [row] = protocolRows(sip, datagrams([[1, reply("401 Unauthorized")]], 5060));
  expect(row).toMatchObject({ SIP_MSG_TYPE: 99, SIP_STATUS_CODE: 401, SIP_CALL_ID: "77" });
});

test("sip finds no status in a response without one", () => {
  for (const line of ["", "OK", "20", "2000 Big", "-20 x"]) {
    const [row] = protocolRows(sip, datagrams([[1, reply(line)]], 5060));
    expect(row).toMatchObject({ SIP_MSG_TYPE: 99, SIP_STATUS_CODE: 0 });
  }
});

test("sip waits for the first message behind keep-alives on its port, and on no other", () => {
  const texts = [
    [0, "\r\n\r\n"],
    [0, INVITE],
  ] as const;
  expect(protocolRows(sip, datagrams(texts, 5060))[0]).toMatchObject(FOUND);
  expect(protocolRows(sip, datagrams(texts, 7000))[0]).toMatchObject({ SIP_MSG_TYPE: 0 });
});

test("sip reads a party's URI in brackets, without them, of a telephone number, or none", () => {
  const party = (value: string) => {
    const text = message("MESSAGE sip:x@y SIP/2.0", `From: ${value}`);
    return protocolRows(sip, datagrams([[0, text]], 5060))[0]!["SIP_CALLING_PARTY"];
  };
  expect(party("<sips:a@b;x=1>;tag=2")).toBe("sips:a@b;x=1");
  expect(party("SIP:a@b ;tag=2")).toBe("SIP:a@b");
  expect(party("<tel:+420123>;tag=2")).toBe("tel:+420123");
  expect(party("nobody")).toBe("");
  expect((party(`sip:${"a".repeat(600)}`) as string).length).toBe(255);
});

test("sip leaves other protocols alone that have its methods", () => {
  for (const line of ["OPTIONS * HTTP/1.1", "NOTIFY * HTTP/1.1", "OPTIONS rtsp://a RTSP/1.0"]) {
    const [row] = protocolRows(sip, datagrams([[0, message(line, "Via: x", "CSeq: 1")]], 5060));
    expect(row).toMatchObject({ SIP_MSG_TYPE: 0, SIP_VIA: "", SIP_CSEQ: "" });
  }
});

test("sip in compat mode makes each message a flow, in the direction of the first", () => {
  const found = protocolRows(sip, datagrams(CALL, 5060), { compat: true });
  const columns = ["SIP_MSG_TYPE", "SIP_STATUS_CODE", "SIP_CALL_ID", "PACKETS", "PACKETS_REV"];
  expect(found.map((row) => columns.map((name) => row[name]))).toEqual([
    [1, 0, "1234@192.0.2.1", 1, 0],
    [99, 100, "77", 0, 1],
    [99, 486, "77", 0, 1],
    [2, 0, "1234@192.0.2.1", 1, 0],
  ]);
});

test("sip in compat mode takes neither short messages nor methods that ipfixprobe has no number for", () => {
  const short = "ACK sip:a@b SIP/2.0\r\nCSeq: 1 ACK\r\n\r\n";
  const refer = message(
    "REFER sip:bob@example.net SIP/2.0",
    `Subject: ${"x".repeat(64)}`,
    "CSeq: 1 R",
  );
  for (const text of [short, refer]) {
    const frames = datagrams([[0, text]], 5060);
    expect(protocolRows(sip, frames, { compat: true })).toEqual([]);
    expect(protocolRows(sip, frames)[0]!["SIP_CSEQ"]).not.toBe("");
  }
});
