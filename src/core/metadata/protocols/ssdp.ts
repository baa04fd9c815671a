// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { HeaderCursor, START, startOf } from "../message.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, type Slot, VERDICT } from "../protocol.ts";

const PORT = 1900;
/** Bytes of each list of values; a value that does not fit is left out. */
const URN_MAX = 511;
const PRODUCT_MAX = 255;
const URN = /^urn:[ \t]*/i;
/** The port in a URL: behind the host's name, its IPv4 address, or its IPv6 address in brackets. */
const URL_PORT = /^[a-z]+:\/\/(?:\[[^\]]*\]|[^/:]*):(\d{1,5})(?!\d)/i;
const cursor = new HeaderCursor();

class Ssdp implements FlowState {
  locationPort = 0;
  nt = "";
  st = "";
  server = "";
  agent = "";

  reset(): void {
    this.locationPort = 0;
    this.nt = this.st = this.server = this.agent = "";
  }
}

/** A list of values, each with a semicolon behind it, and one more unless it is there or does not fit. */
function added(list: string, value: string, max: number): string {
  const size = list.length + value.length + 1;
  if (value === "" || size > max || `;${list}`.includes(`;${value};`)) return list;
  return `${list}${value};`;
}

function addUrn(list: string): string {
  const value = cursor.value(URN_MAX);
  return URN.test(value) ? added(list, value.replace(URN, ""), URN_MAX) : list;
}

const addProduct = (list: string): string => added(list, cursor.value(PRODUCT_MAX), PRODUCT_MAX);

function portOf(location: string): number {
  const port = Number(URL_PORT.exec(location)?.[1] ?? 0);
  return port <= 0xffff ? port : 0;
}

/** What a device says of itself, in a notification or an answer to a search. */
function readDevice(state: Ssdp): void {
  while (cursor.next()) {
    if (cursor.is("nt")) state.nt = addUrn(state.nt);
    else if (cursor.is("st")) state.st = addUrn(state.st);
    else if (cursor.is("location"))
      state.locationPort = portOf(cursor.value(URN_MAX)) || state.locationPort;
    else if (cursor.is("server")) state.server = addProduct(state.server);
  }
}

function readSearch(state: Ssdp): void {
  while (cursor.next()) {
    if (cursor.is("st")) state.st = addUrn(state.st);
    else if (cursor.is("user-agent")) state.agent = addProduct(state.agent);
  }
}

function readMessage(state: Ssdp, { bytes, payload, end }: Packet, withAnswers: boolean): void {
  if (!cursor.begin(bytes, payload, end)) return;
  const method = cursor.word(0, 9);
  if (method === "M-SEARCH") readSearch(state);
  else if (method === "NOTIFY" || (withAnswers && method.startsWith("HTTP/"))) readDevice(state);
}

export default defineProtocol({
  name: "ssdp",
  about:
    "Devices that announce themselves and searches for them: types, products, port of the description.",
  fields: template(
    "uint16 SSDP_LOCATION_PORT,string SSDP_NT,string SSDP_SERVER,string SSDP_ST,string SSDP_USER_AGENT",
  ),
  elements: {
    SSDP_LOCATION_PORT: "e8057id821",
    SSDP_SERVER: "e8057id822",
    SSDP_USER_AGENT: "e8057id823",
    SSDP_NT: "e8057id824",
    SSDP_ST: "e8057id825",
  },
  watch: { protocols: [PROTOCOL.udp], ports: [PORT] },
  byDefault: true,
  source: "UPnP Device Architecture 2.0 section 1",
  setup: ({ compat }) => ({
    create: () => new Ssdp(),
    onPacket(packet: Packet, slot: Slot<Ssdp>) {
      const kind = startOf(packet.bytes, packet.payload, packet.end, "HTTP/");
      const isMessage = kind === START.request || kind === START.response;
      // ipfixprobe reads what goes to the port alone, and has fields for whatever that is.
      const isOurs = compat ? packet.targetPort === PORT : isMessage;
      if (!isOurs) return slot.state ? VERDICT.more : VERDICT.done;
      const state = slot.take();
      if (isMessage) readMessage(state, packet, !compat);
      return VERDICT.more;
    },
    write(state: Ssdp, record) {
      record.SSDP_LOCATION_PORT = state.locationPort;
      record.SSDP_NT = state.nt;
      record.SSDP_SERVER = state.server;
      record.SSDP_ST = state.st;
      record.SSDP_USER_AGENT = state.agent;
    },
  }),
});
