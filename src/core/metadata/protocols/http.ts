// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Exchange, exchange, readRest } from "../exchange.ts";
import { PROTOCOL } from "../packet.ts";
import { defineProtocol } from "../protocol.ts";

const NAME = "HTTP/";

export default defineProtocol({
  name: "http",
  about: "The first request and response of HTTP/1: method, host, target, agent, status, server.",
  fields: template(
    "string HTTP_REQUEST_METHOD,string HTTP_REQUEST_HOST,string HTTP_REQUEST_URL,string HTTP_REQUEST_AGENT,string HTTP_REQUEST_REFERER,uint16 HTTP_RESPONSE_STATUS_CODE,string HTTP_RESPONSE_CONTENT_TYPE,string HTTP_RESPONSE_SERVER,string HTTP_RESPONSE_SET_COOKIE_NAMES",
  ),
  elements: {
    HTTP_REQUEST_METHOD: "e8057id200",
    HTTP_REQUEST_HOST: "e39499id1",
    HTTP_REQUEST_URL: "e39499id2",
    HTTP_REQUEST_AGENT: "e39499id20",
    HTTP_REQUEST_REFERER: "e39499id3",
    HTTP_RESPONSE_STATUS_CODE: "e39499id12",
    HTTP_RESPONSE_CONTENT_TYPE: "e39499id10",
    HTTP_RESPONSE_SERVER: "e8057id201",
    HTTP_RESPONSE_SET_COOKIE_NAMES: "e8057id202",
  },
  watch: { protocols: [PROTOCOL.tcp] },
  byDefault: true,
  source: "RFC 9112 sections 2-5",
  setup: ({ compat }) => ({
    ...exchange(NAME, compat),
    write(state: Exchange, record) {
      readRest(state, NAME);
      record.HTTP_REQUEST_METHOD = state.method;
      record.HTTP_REQUEST_HOST = state.host;
      record.HTTP_REQUEST_URL = state.target;
      record.HTTP_REQUEST_AGENT = state.agent;
      record.HTTP_REQUEST_REFERER = state.referer;
      record.HTTP_RESPONSE_STATUS_CODE = state.status;
      record.HTTP_RESPONSE_CONTENT_TYPE = state.contentType;
      record.HTTP_RESPONSE_SERVER = state.server;
      record.HTTP_RESPONSE_SET_COOKIE_NAMES = state.cookies;
    },
  }),
});
