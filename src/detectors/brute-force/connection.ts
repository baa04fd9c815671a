// SPDX-License-Identifier: BSD-3-Clause
import type { AnyReader } from "../../core/unirec/reader.ts";
import { fieldOf, type Template } from "../../core/unirec/template.ts";
import type { Ip } from "../../core/unirec/types.ts";
import type { Flow } from "./fields.ts";
import { SERVICE, type Side, serviceOfPort } from "./services.ts";

const NAMES = [
  [Buffer.from("ssh"), SERVICE.ssh],
  [Buffer.from("rdp"), SERVICE.rdp],
  [Buffer.from("telnet"), SERVICE.telnet],
] as const;
const NONE = -1;
/** APP_PROTO says nothing. */
const UNKNOWN = -2;

/** A record as a connection from a client to a server of one of the services, whichever way round it lies. */
export class Connection {
  readonly toServer: Side = { packets: 0, bytes: 0, flags: 0 };
  readonly toClient: Side = { packets: 0, bytes: 0, flags: 0 };
  client!: Ip;
  server!: Ip;
  clientPort = 0;
  serverPort = 0;
  /** Offset of APP_PROTO's descriptor; -1 when the sender has none. */
  #protocolAt = NONE;
  #isBiflow = false;

  announced(layout: Template): void {
    const protocol = fieldOf(layout, "APP_PROTO");
    this.#protocolAt = protocol?.type === "string" ? protocol.offset : NONE;
    this.#isBiflow = fieldOf(layout, "PACKETS_REV")?.type === "uint32";
  }

  /** Take the record under the cursor; returns its service, -1 when it is none. What is not known of a side is zero. */
  take(flow: Flow): number {
    const { SRC_PORT, DST_PORT } = flow;
    const byPort = serviceOfPort(DST_PORT);
    const byReverse = byPort < 0 ? serviceOfPort(SRC_PORT) : NONE;
    const ported = byPort < 0 ? byReverse : byPort;
    const said = this.#said(flow);
    const service = said === UNKNOWN ? ported : said;
    if (service < 0) return NONE;
    let isReverse = byReverse >= 0;
    // On a port of its own, the server is who was called; of one direction alone the lower port has to tell.
    if (service !== ported) isReverse = !this.#isBiflow && SRC_PORT < DST_PORT;
    this.#orient(flow, isReverse);
    return service;
  }

  /** The service that APP_PROTO names, without making a string of it. */
  #said(flow: Flow): number {
    if (this.#protocolAt < 0) return UNKNOWN;
    const cursor = flow as unknown as AnyReader;
    const at = cursor.span(this.#protocolAt);
    if (cursor.spanLength === 0) return UNKNOWN;
    for (let i = 0; i < NAMES.length; i++) {
      const [name, service] = NAMES[i]!;
      if (name.length === cursor.spanLength && isAt(cursor.view, at, name)) return service;
    }
    return NONE;
  }

  #orient(flow: Flow, isReverse: boolean): void {
    const forward = isReverse ? this.toClient : this.toServer;
    const reverse = isReverse ? this.toServer : this.toClient;
    forward.packets = flow.PACKETS;
    forward.bytes = flow.BYTES;
    forward.flags = flow.TCP_FLAGS;
    reverse.packets = flow.PACKETS_REV;
    reverse.bytes = flow.BYTES_REV;
    reverse.flags = flow.TCP_FLAGS_REV;
    this.client = isReverse ? flow.DST_IP : flow.SRC_IP;
    this.server = isReverse ? flow.SRC_IP : flow.DST_IP;
    this.clientPort = isReverse ? flow.DST_PORT : flow.SRC_PORT;
    this.serverPort = isReverse ? flow.SRC_PORT : flow.DST_PORT;
  }
}

function isAt(view: DataView, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (view.getUint8(at + i) !== name[i]) return false;
  return true;
}
