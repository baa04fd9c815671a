// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Exchange, exchange, readRest } from "../exchange.ts";
import { PROTOCOL } from "../packet.ts";
import { defineProtocol } from "../protocol.ts";

const NAME = "RTSP/";

export default defineProtocol({
  name: "rtsp",
  about: "The first request and response of RTSP: method, URI, agent, status, server.",
  fields: template(
    "string RTSP_REQUEST_METHOD,string RTSP_REQUEST_AGENT,string RTSP_REQUEST_URI,uint16 RTSP_RESPONSE_STATUS_CODE,string RTSP_RESPONSE_SERVER,string RTSP_RESPONSE_CONTENT_TYPE",
  ),
  elements: {
    RTSP_REQUEST_METHOD: "e16982id600",
    RTSP_REQUEST_AGENT: "e16982id601",
    RTSP_REQUEST_URI: "e16982id602",
    RTSP_RESPONSE_STATUS_CODE: "e16982id603",
    RTSP_RESPONSE_CONTENT_TYPE: "e16982id604",
    RTSP_RESPONSE_SERVER: "e16982id605",
  },
  watch: { protocols: [PROTOCOL.tcp] },
  byDefault: true,
  source: "RFC 2326 sections 4-7",
  setup: ({ compat }) => ({
    ...exchange(NAME, compat),
    write(state: Exchange, record) {
      readRest(state, NAME);
      record.RTSP_REQUEST_METHOD = state.method;
      record.RTSP_REQUEST_AGENT = state.agent;
      record.RTSP_REQUEST_URI = state.target;
      record.RTSP_RESPONSE_STATUS_CODE = state.status;
      record.RTSP_RESPONSE_SERVER = state.server;
      record.RTSP_RESPONSE_CONTENT_TYPE = state.contentType;
    },
  }),
});
