// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { PROTOCOL } from "../packet.ts";
import type { PrefixPool } from "../prefix.ts";
import { defineProtocol, type FlowState, type PluginOptions, VERDICT } from "../protocol.ts";
import { Fingerprints } from "../tls/fingerprints.ts";
import { HELLO, Hello } from "../tls/hello.ts";
import { HelloStream, helloBuffers, isHello } from "../tls/hello-stream.ts";

/** Extensions that are listed. */
const EXTENSIONS_MAX = 64;
const NO_BYTES: Uint8Array = new Uint8Array(0);

class Tls implements FlowState {
  /** By direction: of the flow's initiator, of its responder. */
  readonly streams: readonly [HelloStream, HelloStream];
  /** What the server chose; as long as it has not, what the client's hello says. */
  version = 0;
  name = "";
  alpn = "";
  ja3 = NO_BYTES;
  ja4 = "";
  types: number[] = [];
  lengths: number[] = [];

  constructor(buffers: PrefixPool) {
    this.streams = [new HelloStream(buffers), new HelloStream(buffers)];
  }

  reset(): void {
    for (const stream of this.streams) stream.reset();
    this.version = 0;
    this.name = "";
    this.alpn = "";
    this.ja3 = NO_BYTES;
    this.ja4 = "";
    this.types = [];
    this.lengths = [];
  }

  learn(hello: Hello, fingerprints: Fingerprints): void {
    if (hello.type === HELLO.server) {
      this.version = hello.chosen;
      this.alpn = hello.alpnText;
      return;
    }
    if (this.version === 0) this.version = hello.version;
    this.name = hello.name;
    const { ja3, ja4 } = fingerprints.of(hello);
    this.ja3 = ja3;
    this.ja4 = ja4;
    this.types = hello.extensions.slice(0, EXTENSIONS_MAX);
    this.lengths = hello.lengths.slice(0, EXTENSIONS_MAX);
  }
}

export default defineProtocol({
  name: "tls",
  about: "TLS over TCP: server name, chosen protocol and version, fingerprints of the client.",
  fields: template(
    `string TLS_SNI, string TLS_ALPN, uint16 TLS_VERSION, bytes TLS_JA3, string TLS_JA4,
    uint16* TLS_EXT_TYPE, uint16* TLS_EXT_LEN`,
  ),
  elements: {
    TLS_SNI: "e8057id808",
    TLS_ALPN: "e39499id337",
    TLS_VERSION: "e39499id333",
    TLS_JA3: "e39499id357",
    TLS_JA4: "e8057id809",
    TLS_EXT_TYPE: "e0id291/e8057id802",
    TLS_EXT_LEN: "e0id291/e8057id803",
  },
  watch: { protocols: [PROTOCOL.tcp] },
  byDefault: true,
  source: "RFC 8446 section 4.1, RFC 5246 section 7.4.1",
  setup: ({ compat }: PluginOptions) => {
    const buffers = helloBuffers();
    const hello = new Hello();
    const fingerprints = new Fingerprints({ carrier: "t", countGrease: compat });
    return {
      create: () => new Tls(buffers),
      onPacket(packet, slot) {
        const isFirst = slot.state === undefined;
        const { bytes, view, payload, end } = packet;
        if (isFirst && !isHello(view, payload, end)) {
          const isSsl2 = !compat && hello.readSsl2(bytes, view, payload, end);
          if (isSsl2) slot.take().learn(hello, fingerprints);
          return VERDICT.done;
        }
        const state = slot.take();
        const stream = state.streams[packet.reverse];
        if (stream.isOver) return VERDICT.more;
        if (stream.take(packet, hello)) state.learn(hello, fingerprints);
        const isDone = state.streams[0].isOver && state.streams[1].isOver;
        return (isDone ? VERDICT.done : VERDICT.more) | (stream.isBroken ? VERDICT.malformed : 0);
      },
      write(state, record) {
        record.TLS_SNI = state.name;
        record.TLS_ALPN = state.alpn;
        record.TLS_VERSION = state.version;
        record.TLS_JA3 = state.ja3;
        record.TLS_JA4 = state.ja4;
        record.TLS_EXT_TYPE = state.types;
        record.TLS_EXT_LEN = state.lengths;
      },
    };
  },
});
