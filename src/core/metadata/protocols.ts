// SPDX-License-Identifier: BSD-3-Clause
import type { AnyProtocol } from "./protocol.ts";
import http from "./protocols/http.ts";
import rtsp from "./protocols/rtsp.ts";
import sip from "./protocols/sip.ts";
import ssdp from "./protocols/ssdp.ts";
import vlan from "./protocols/vlan.ts";

/** All protocols, in alphabetical order. */
export const PROTOCOLS: readonly AnyProtocol[] = [http, rtsp, sip, ssdp, vlan];
