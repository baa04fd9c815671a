// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, type Plugin, VERDICT } from "../protocol.ts";

/** OpenVPN's opcodes: the upper five bits of a message's first byte. */
const OPCODE = {
  resetClient: 1,
  resetServer: 2,
  softReset: 3,
  control: 4,
  ack: 5,
  data: 6,
  resetClient2: 7,
  resetServer2: 8,
  data2: 9,
  resetClient3: 10,
} as const;

/** How far a session has come. */
const STATUS = {
  none: 0,
  resetByClient: 1,
  resetByServer: 2,
  acknowledged: 3,
  clientHello: 4,
  serverHello: 5,
  control: 6,
  data: 7,
} as const;

/** What a message does to a session: it comes at its place, at a wrong one, or anywhere. */
const STEP = { right: 0, wrong: 1, neutral: 2 } as const;
/** Messages out of place after which a session is begun anew. */
const MISSES_MAX = 4;
/** Flows of fewer packets say nothing. */
const PACKETS_MIN = 21;
/** Flows of so many packets and less are dropped by ipfixprobe. */
const COMPAT_SHORT = 5;
/** Payload of packets that count as large. */
const LARGE = 501;
/** Share of large packets that are data from which a flow is suspected; ipfixprobe compares single precision. */
const DATA_SHARE_MIN = Math.fround(0.6);
const CONFIDENCE = { handshake: 100, dataOnly: 80 } as const;

/** Offsets of a TLS record from the opcode, plain and behind an HMAC of 20 bytes with packet id and time. */
const CLIENT_HELLO = [14, 42] as const;
const SERVER_HELLO = [26, 54] as const;
const TLS_HANDSHAKE = 0x16;
/** The handshake's type is behind the record's header. */
const TLS_HEADER = 5;

class OpenVpn implements FlowState {
  status: number = STATUS.none;
  misses = 0;
  client: 0 | 1 = 0;
  packets = 0;
  large = 0;
  data = 0;

  reset(): void {
    this.status = STATUS.none;
    this.misses = 0;
    this.client = 0;
    this.packets = 0;
    this.large = 0;
    this.data = 0;
  }

  get confidence(): number {
    if (this.packets >= PACKETS_MIN && this.status === STATUS.data) return CONFIDENCE.handshake;
    if (this.large < PACKETS_MIN) return 0;
    const share = this.data / this.large;
    return share >= DATA_SHARE_MIN ? Math.trunc(share * CONFIDENCE.dataOnly) : 0;
  }
}

/** Offset of the opcode; -1 in a payload without one. Over TCP a message has its length before it. */
function opcodeAt({ protocol, payload, end }: Packet): number {
  const at = protocol === PROTOCOL.tcp ? payload + 2 : payload;
  return at < end ? at : -1;
}

function hasHello({ view, end }: Packet, at: number, offsets: readonly number[], type: number) {
  for (const offset of offsets) {
    const record = at + offset;
    if (record + TLS_HEADER >= end) return false;
    if (view.getUint8(record) === TLS_HANDSHAKE && view.getUint8(record + TLS_HEADER) === type)
      return true;
  }
  return false;
}

function control(packet: Packet, at: number, vpn: OpenVpn): number {
  const fromClient = packet.reverse === vpn.client;
  const { status } = vpn;
  if (status === STATUS.acknowledged && fromClient && hasHello(packet, at, CLIENT_HELLO, 1))
    vpn.status = STATUS.clientHello;
  else if (status === STATUS.clientHello && !fromClient && hasHello(packet, at, SERVER_HELLO, 2))
    vpn.status = STATUS.serverHello;
  else if (status === STATUS.serverHello || status === STATUS.control) vpn.status = STATUS.control;
  else return STEP.wrong;
  return STEP.right;
}

/** Bring the session on by a message. Returns a {@link STEP}. */
function step(packet: Packet, at: number, vpn: OpenVpn): number {
  const fromClient = packet.reverse === vpn.client;
  const { status } = vpn;
  switch (packet.view.getUint8(at) >>> 3) {
    case OPCODE.resetClient:
    case OPCODE.resetClient2:
    case OPCODE.resetClient3:
      vpn.status = STATUS.resetByClient;
      vpn.client = packet.reverse;
      return STEP.right;
    case OPCODE.resetServer:
    case OPCODE.resetServer2:
      if (status !== STATUS.resetByClient || fromClient) return STEP.wrong;
      vpn.status = STATUS.resetByServer;
      return STEP.right;
    case OPCODE.control:
      return control(packet, at, vpn);
    case OPCODE.ack:
      if (status === STATUS.resetByServer && fromClient) vpn.status = STATUS.acknowledged;
      else if (status === STATUS.serverHello) vpn.status = STATUS.control;
      else if (status !== STATUS.control) return STEP.neutral;
      return STEP.right;
    case OPCODE.data:
    case OPCODE.data2:
      if (packet.payloadLength >= LARGE) vpn.data++;
      if (status < STATUS.control) return STEP.neutral;
      vpn.status = STATUS.data;
      return STEP.right;
    default:
      return STEP.neutral;
  }
}

/** Whether a large packet could be RTP over UDP (RFC 3550 5.1), which is large as well and no VPN. */
function isRtp({ view, protocol, payload, size }: Packet): boolean {
  if (protocol !== PROTOCOL.udp || size < 12 || view.getUint8(payload) >>> 6 !== 2) return false;
  const type = view.getUint8(payload + 1) & 0x7f;
  // RFC 5761 4: these types are RTCP's.
  return type < 72 || type > 95;
}

function count(packet: Packet, at: number, vpn: OpenVpn): void {
  const result = step(packet, at, vpn);
  if (packet.payloadLength >= LARGE && !isRtp(packet)) vpn.large++;
  if (result === STEP.wrong) vpn.misses++;
  if (result === STEP.right) vpn.misses = 0;
  else if (vpn.misses < MISSES_MAX) vpn.misses++;
  else {
    vpn.status = STATUS.none;
    vpn.misses = 0;
  }
}

/** Whether a flow's first payload may be OpenVPN: a reset, or data of a session that was not seen to begin. */
function begins({ view, protocol, payload, size }: Packet, at: number): boolean {
  const opcode = view.getUint8(at) >>> 3;
  if (opcode < OPCODE.resetClient || opcode > OPCODE.resetClient3) return false;
  if (opcode === OPCODE.softReset || opcode === OPCODE.control || opcode === OPCODE.ack)
    return false;
  return protocol !== PROTOCOL.tcp || view.getUint16(payload) >= Math.min(size - 2, 14);
}

const fields = template("uint8 OVPN_CONF_LEVEL");

export default defineProtocol({
  name: "ovpn",
  about: "How surely a flow is OpenVPN, in percent, by its handshake or its share of data packets.",
  fields,
  elements: { OVPN_CONF_LEVEL: "e8057id828" },
  watch: { protocols: [PROTOCOL.tcp, PROTOCOL.udp], empty: true },
  byDefault: false,
  source: "OpenVPN's network protocol, ipfixprobe's plugin ovpn",
  setup: ({ compat }): Plugin<OpenVpn, typeof fields> => ({
    create: () => new OpenVpn(),
    onPacket(packet, slot) {
      const at = opcodeAt(packet);
      // ipfixprobe has a level for every flow, 0 mostly.
      if (!compat && !slot.state) {
        if (packet.size <= 0) return VERDICT.more;
        if (at < 0 || !begins(packet, at)) return VERDICT.done;
      }
      const vpn = slot.take();
      vpn.packets++;
      if (at < 0) return VERDICT.more;
      count(packet, at, vpn);
      return VERDICT.more;
    },
    // ipfixprobe drops short flows when they end.
    keeps: ({ packets }) => !compat || packets > COMPAT_SHORT,
    write(vpn, record) {
      record.OVPN_CONF_LEVEL = vpn.confidence;
    },
  }),
});
