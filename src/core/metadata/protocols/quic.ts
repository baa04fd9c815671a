// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type PluginOptions, type Slot, VERDICT } from "../protocol.ts";
import { isAt } from "../quic/bytes.ts";
import { Connection, PACKETS_MAX } from "../quic/connection.ts";
import { CryptoStream, CryptoStreams } from "../quic/crypto-stream.ts";
import { FLAG, KIND, LongHeader } from "../quic/header.ts";
import { Hello } from "../tls/hello.ts";

const header = new LongHeader();

/** The fixed bit of a datagram's first packet, at its place in QUIC_PACKETS. */
const fixedBit = (first: number): number => (first & FLAG.fixed) << 1;

/** Read the header at an offset of a datagram. */
function readHeader({ view, payload, payloadLength, end }: Packet, at: number): boolean {
  const wire = Math.max(end, payload + payloadLength);
  return header.read(view, at, { captured: end, end: wire });
}

/** Whether the packet in `header` is for a connection id, as all of a datagram are (RFC 9000 section 12.2). */
const isForSame = (bytes: Uint8Array, id: Uint8Array): boolean =>
  isAt(bytes, header.target, header.targetLength, id);

/** A datagram of a flow with QUIC that begins with no long header that is known. */
function onOther(packet: Packet, connection: Connection): number {
  const first = packet.view.getUint8(packet.payload);
  connection.note(fixedBit(first));
  if ((first & FLAG.long) !== 0) return header.version ? VERDICT.malformed : VERDICT.more;
  // Once there is nothing more to list, a connection that is up has nothing more to say.
  return connection.packets.length < PACKETS_MAX ? VERDICT.more : VERDICT.done;
}

function onPacket(packet: Packet, slot: Slot<Connection>): number {
  const { bytes, view, payload, end } = packet;
  const known = slot.state;
  const first = view.getUint8(payload);
  if (!readHeader(packet, payload)) return known ? onOther(packet, known) : VERDICT.done;
  if (!known && (first & FLAG.fixed) === 0 && header.kind !== KIND.negotiation) return VERDICT.done;
  const connection = slot.take();
  const { target, targetLength } = header;
  const id = bytes.subarray(target, target + targetLength);
  let contents = fixedBit(first);
  let verdict: number = VERDICT.more;
  let next = payload;
  // What follows in the datagram may be padding, or another packet of the connection.
  do {
    contents |= header.kind;
    verdict |= connection.learn(packet, header);
    next = header.end;
  } while (next < end && readHeader(packet, next) && isForSame(bytes, id));
  connection.note(contents);
  return verdict;
}

export default defineProtocol({
  name: "quic",
  about:
    "QUIC: what the client says in its first packets, as server name and program, and how the connection begins.",
  fields: template(
    `string QUIC_SNI, string QUIC_USER_AGENT, uint32 QUIC_VERSION, uint32 QUIC_CLIENT_VERSION,
    uint64 QUIC_TOKEN_LENGTH, bytes QUIC_OCCID, bytes QUIC_OSCID, bytes QUIC_SCID,
    bytes QUIC_RETRY_SCID, uint8 QUIC_MULTIPLEXED, uint8 QUIC_ZERO_RTT, uint16 QUIC_SERVER_PORT,
    uint8* QUIC_PACKETS, uint8 QUIC_CH_PARSED, uint16* QUIC_TLS_EXT_TYPE,
    uint16* QUIC_TLS_EXT_LEN, bytes QUIC_TLS_EXT, string QUIC_JA4`,
  ),
  elements: {
    QUIC_SNI: "e8057id890",
    QUIC_USER_AGENT: "e8057id891",
    QUIC_VERSION: "e8057id892",
    QUIC_CLIENT_VERSION: "e8057id893",
    QUIC_TOKEN_LENGTH: "e8057id894",
    QUIC_OCCID: "e8057id895",
    QUIC_OSCID: "e8057id896",
    QUIC_SCID: "e8057id897",
    QUIC_RETRY_SCID: "e8057id898",
    QUIC_MULTIPLEXED: "e8057id899",
    QUIC_ZERO_RTT: "e8057id889",
    QUIC_SERVER_PORT: "e8057id887",
    QUIC_PACKETS: "e0id291/e8057id888",
    QUIC_CH_PARSED: "e8057id886",
    QUIC_TLS_EXT_TYPE: "e0id291/e8057id885",
    QUIC_TLS_EXT_LEN: "e0id291/e8057id884",
    QUIC_TLS_EXT: "e8057id883",
    // The one of TLS: a fingerprint says by its first letter what carried it.
    QUIC_JA4: "e8057id809",
  },
  watch: { protocols: [PROTOCOL.udp] },
  byDefault: true,
  source: "RFC 9000 sections 12 and 17, RFC 9001 section 5, RFC 9369",
  setup: ({ compat }: PluginOptions) => {
    const tools = { hello: new Hello(), streams: new CryptoStreams(), spare: new CryptoStream() };
    return {
      create: () => new Connection(tools, compat),
      onPacket,
      write(connection, record) {
        record.QUIC_SNI = connection.name;
        record.QUIC_USER_AGENT = connection.userAgent;
        record.QUIC_VERSION = connection.version;
        record.QUIC_CLIENT_VERSION = connection.clientVersion;
        record.QUIC_TOKEN_LENGTH = connection.tokenLength;
        record.QUIC_OCCID = connection.clientId;
        record.QUIC_OSCID = connection.inventedId;
        record.QUIC_SCID = connection.serverId;
        record.QUIC_RETRY_SCID = connection.retrySource;
        record.QUIC_MULTIPLEXED = connection.multiplexed;
        record.QUIC_ZERO_RTT = connection.zeroRtt;
        record.QUIC_SERVER_PORT = connection.serverPort;
        record.QUIC_PACKETS = connection.packets;
        record.QUIC_CH_PARSED = connection.hasHello ? 1 : 0;
        record.QUIC_TLS_EXT_TYPE = connection.types;
        record.QUIC_TLS_EXT_LEN = connection.lengths;
        record.QUIC_TLS_EXT = connection.raw;
        record.QUIC_JA4 = connection.ja4;
      },
    };
  },
});
