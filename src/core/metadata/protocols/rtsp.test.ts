// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { protocolRows, testProtocol } from "../testing/protocol-kit.ts";
import { message, streamFrames } from "../testing/text-frames.ts";
import rtsp from "./rtsp.ts";

testProtocol(rtsp, { capture: "rtsp.pcap" });

const DESCRIBE = message(
  "DESCRIBE rtsp://192.0.2.2/video RTSP/1.0",
  "User-Agent: player",
  "CSeq: 1",
);
const OK = message("RTSP/1.0 200 OK", "Server: camera", "Content-Type: application/sdp", "CSeq: 1");

test("rtsp gives one biflow its first request and response, split over segments or not", () => {
  for (const cuts of [[], [3, 30, 60]]) {
    const frames = streamFrames(
      [
        [0, DESCRIBE, cuts],
        [1, OK, cuts],
        [0, message("PLAY rtsp://192.0.2.2/video RTSP/1.0"), []],
        [1, message("RTSP/1.0 454 Session Not Found"), []],
      ],
      8554,
    );
    const found = protocolRows(rtsp, frames);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      RTSP_REQUEST_METHOD: "DESCRIBE",
      RTSP_REQUEST_URI: "rtsp://192.0.2.2/video",
      RTSP_REQUEST_AGENT: "player",
      RTSP_RESPONSE_STATUS_CODE: 200,
      RTSP_RESPONSE_SERVER: "camera",
      RTSP_RESPONSE_CONTENT_TYPE: "application/sdp",
    });
  }
});

test("rtsp leaves HTTP alone, with which it shares method names", () => {
  const frames = streamFrames([[0, message("OPTIONS * HTTP/1.1", "User-Agent: browser"), []]]);
  const [row] = protocolRows(rtsp, frames);
  expect(row).toMatchObject({ RTSP_REQUEST_METHOD: "", RTSP_REQUEST_AGENT: "" });
});
