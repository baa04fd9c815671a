// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";
import { Segments } from "../segments.ts";

const TYPE = { connect: 1, connack: 2, publish: 3, disconnect: 14 } as const;
/** Names of the protocol and their versions: that of version 3.1 was another one. */
const NAMES = ["MQTT", "MQIsdp"];
const VERSION = { v31: 3, v311: 4, v5: 5 } as const;
/** Bytes of a message's length at most; 7 bits in each. */
const LENGTH_MAX = 4;
const TOPICS_MAX = 10;
/** Bytes of a topic that are kept. */
const TOPIC_MAX = 255;
/** PUBLISH messages in which topics are looked for. */
const LOOKED_MAX = 100;
const decoder = new TextDecoder();

/** One direction. */
class Side {
  readonly segments = new Segments();
  /** Bytes of the last message that are still to come. */
  rest = 0;
  /** Whether it is no longer known where messages begin. */
  isLost = false;

  reset(): void {
    this.segments.reset();
    this.rest = 0;
    this.isLost = false;
  }
}

class Mqtt implements FlowState {
  /** First byte of the message that is read: type and flags. */
  first = 0;
  /** A bit for each type of message, and bit 0 for a session that was there before. */
  types = 0;
  version = 0;
  connectFlags = 0;
  keepAlive = 0;
  returnCode = 0;
  publishFlags = 0;
  looked = 0;
  topics: string[] = [];
  readonly sides = [new Side(), new Side()] as const;

  reset(): void {
    this.first = 0;
    this.types = 0;
    this.version = 0;
    this.connectFlags = 0;
    this.keepAlive = 0;
    this.returnCode = 0;
    this.publishFlags = 0;
    this.looked = 0;
    this.topics = [];
    for (const side of this.sides) side.reset();
  }
}

/** Offset behind the length at `at`; -1 when its end is not before `end`. */
function behindLength(view: DataView, at: number, end: number): number {
  const last = Math.min(end, at + LENGTH_MAX);
  for (let i = at; i < last; i++) if (view.getUint8(i) < 128) return i + 1;
  return -1;
}

function lengthOf(view: DataView, at: number, behind: number): number {
  let length = 0;
  for (let i = behind - 1; i >= at; i--) length = (length << 7) | (view.getUint8(i) & 127);
  return length;
}

/** Offset of the version in what a CONNECT message carries; -1 when it is none, or cut before its keep-alive time. */
function versionAt({ view }: Packet, at: number, end: number): number {
  if (at + 2 > end) return -1;
  const size = view.getUint16(at);
  const version = at + 2 + size;
  if (version + 4 > end) return -1;
  const isName = NAMES.some((name) => {
    if (name.length !== size) return false;
    for (let i = 0; i < size; i++)
      if (view.getUint8(at + 2 + i) !== name.charCodeAt(i)) return false;
    return true;
  });
  return isName ? version : -1;
}

/** Whether the payload begins with a CONNECT message. */
function isConnect(packet: Packet, oldest: number): boolean {
  const { view, payload, end } = packet;
  if (view.getUint8(payload) !== TYPE.connect << 4) return false;
  const body = behindLength(view, payload + 1, end);
  const at = body < 0 ? -1 : versionAt(packet, body, end);
  if (at < 0) return false;
  const version = view.getUint8(at);
  return version >= oldest && version <= VERSION.v5;
}

/** Note what a message says that carries the bytes from `at` on; `end` is that of the captured ones. */
function readMessage(state: Mqtt, packet: Packet, at: number, end: number): void {
  const { view } = packet;
  const type = state.first >>> 4;
  state.types |= 1 << type;
  if (type === TYPE.connect) {
    const version = versionAt(packet, at, end);
    if (version < 0) return;
    state.version = view.getUint8(version);
    state.connectFlags = view.getUint8(version + 1);
    state.keepAlive = view.getUint16(version + 2);
  } else if (type === TYPE.connack && at + 2 <= end) {
    state.types |= view.getUint8(at) & 1;
    state.returnCode = view.getUint8(at + 1);
  } else if (type === TYPE.publish) {
    state.publishFlags |= state.first & 15;
    readTopic(state, packet, at, end);
  }
}

function readTopic(state: Mqtt, { view, bytes }: Packet, at: number, end: number): void {
  const { topics } = state;
  if (topics.length === TOPICS_MAX || state.looked === LOOKED_MAX || at + 2 > end) return;
  state.looked++;
  const size = Math.min(view.getUint16(at), TOPIC_MAX, end - at - 2);
  const topic = decoder.decode(bytes.subarray(at + 2, at + 2 + size));
  // Version 5 has numbers for topics: those have no name.
  if (topic !== "" && !topics.includes(topic)) topics.push(topic);
}

/** Read the messages of a segment. Returns whether one of them ends the session. */
function readSegment(state: Mqtt, packet: Packet): boolean {
  const { view, end } = packet;
  const side = state.sides[packet.reverse];
  if (side.isLost) return false;
  let at = side.segments.take(packet);
  if (at >= end) return false;
  side.isLost = side.segments.missed > side.rest;
  at += side.rest - side.segments.missed;
  let isOver = false;
  while (at < end && !side.isLost) {
    const first = view.getUint8(at);
    const body = behindLength(view, at + 1, end);
    // A length that goes on in the next segment, or is none: where the next message begins is not known.
    side.isLost = body < 0 || first < TYPE.connect << 4;
    if (side.isLost) break;
    const next = body + lengthOf(view, at + 1, body);
    state.first = first;
    readMessage(state, packet, body, Math.min(next, end));
    isOver ||= first >>> 4 === TYPE.disconnect;
    at = next;
  }
  side.rest = at - end;
  return isOver;
}

export default defineProtocol({
  name: "mqtt",
  about: "MQTT sessions: kinds of messages, the last CONNECT and its answer, up to 10 topics.",
  fields: template(
    "uint16 MQTT_TYPE_CUMULATIVE, uint8 MQTT_VERSION, uint8 MQTT_CONNECTION_FLAGS, uint16 MQTT_KEEP_ALIVE, uint8 MQTT_CONNECTION_RETURN_CODE, uint8 MQTT_PUBLISH_FLAGS, string MQTT_TOPICS",
  ),
  elements: {
    MQTT_TYPE_CUMULATIVE: "e8057id1033",
    MQTT_VERSION: "e8057id1034",
    MQTT_CONNECTION_FLAGS: "e8057id1035",
    MQTT_KEEP_ALIVE: "e8057id1036",
    MQTT_CONNECTION_RETURN_CODE: "e8057id1037",
    MQTT_PUBLISH_FLAGS: "e8057id1038",
    MQTT_TOPICS: "e8057id1039",
  },
  watch: { protocols: [PROTOCOL.tcp] },
  byDefault: true,
  source: "OASIS MQTT 3.1.1 and 5.0, sections 2 and 3",
  setup: ({ compat }: PluginOptions) => ({
    create: () => new Mqtt(),
    onPacket(packet, slot) {
      if (!slot.state && !isConnect(packet, compat ? VERSION.v311 : VERSION.v31))
        return VERDICT.done;
      const state = slot.take();
      if (readSegment(state, packet)) return compat ? VERDICT.end : VERDICT.done;
      return state.sides[0].isLost && state.sides[1].isLost ? VERDICT.done : VERDICT.more;
    },
    write(state, record) {
      record.MQTT_TYPE_CUMULATIVE = state.types;
      record.MQTT_VERSION = state.version;
      record.MQTT_CONNECTION_FLAGS = state.connectFlags;
      record.MQTT_KEEP_ALIVE = state.keepAlive;
      record.MQTT_CONNECTION_RETURN_CODE = state.returnCode;
      record.MQTT_PUBLISH_FLAGS = state.publishFlags;
      // ipfixprobe 5.7 has the field, and leaves it empty. No topic has a `#` in it, which is a wildcard.
      record.MQTT_TOPICS = compat ? "" : state.topics.join("#");
    },
  }),
});
