// SPDX-License-Identifier: BSD-3-Clause
import { template } from "../../unirec/template.ts";
import { type End, type Owner, Sockets } from "../host/sockets.ts";
import { readSystem } from "../host/system.ts";
import { type Packet, PROTOCOL } from "../packet.ts";
import { defineProtocol, type FlowState, VERDICT } from "../protocol.ts";

/** Milliseconds between two questions to the system: each holds the meter up. */
const REFRESH_MIN = 1000;
/** Where the last 32 bits of an IP packet's source and target are. */
const V4 = { source: 12, target: 16 } as const;
const V6 = { source: 20, target: 36 } as const;

class OsQuery implements FlowState {
  program = "";
  user = "";

  reset(): void {
    this.program = "";
    this.user = "";
  }
}

const sender = ({ view, ip, isV6, sourcePort }: Packet): End => ({
  word: view.getUint32(ip + (isV6 ? V6 : V4).source, true),
  port: sourcePort,
});

const receiver = ({ view, ip, isV6, targetPort }: Packet): End => ({
  word: view.getUint32(ip + (isV6 ? V6 : V4).target, true),
  port: targetPort,
});

/** The host's sockets, asked for as often as the bound lets. */
class Host {
  readonly #sockets = new Sockets();
  #refreshed = Number.NEGATIVE_INFINITY;

  owner(packet: Packet): Owner | undefined {
    const source = sender(packet);
    const target = receiver(packet);
    const { protocol } = packet;
    const known = this.#find(protocol, source, target);
    // The wall clock: how old what is known is has nothing to do with the time of packets.
    const now = performance.now();
    if (known || now - this.#refreshed < REFRESH_MIN) return known;
    this.#refreshed = now;
    this.#sockets.refresh();
    return this.#find(protocol, source, target);
  }

  #find(protocol: number, source: End, target: End): Owner | undefined {
    return (
      this.#sockets.owner(protocol, source, target) ?? this.#sockets.owner(protocol, target, source)
    );
  }
}

export default defineProtocol({
  name: "osquery",
  about:
    "Flows of the host the meter runs on: program, user, and the operating system. Linux only.",
  fields: template(
    "string OSQUERY_PROGRAM_NAME, string OSQUERY_USERNAME, string OSQUERY_OS_NAME, uint16 OSQUERY_OS_MAJOR, uint16 OSQUERY_OS_MINOR, string OSQUERY_OS_BUILD, string OSQUERY_OS_PLATFORM, string OSQUERY_OS_PLATFORM_LIKE, string OSQUERY_OS_ARCH, string OSQUERY_KERNEL_VERSION, string OSQUERY_SYSTEM_HOSTNAME",
  ),
  elements: {
    OSQUERY_PROGRAM_NAME: "e8057id852",
    OSQUERY_USERNAME: "e8057id853",
    OSQUERY_OS_NAME: "e8057id854",
    OSQUERY_OS_MAJOR: "e8057id855",
    OSQUERY_OS_MINOR: "e8057id856",
    OSQUERY_OS_BUILD: "e8057id857",
    OSQUERY_OS_PLATFORM: "e8057id858",
    OSQUERY_OS_PLATFORM_LIKE: "e8057id859",
    OSQUERY_OS_ARCH: "e8057id860",
    OSQUERY_KERNEL_VERSION: "e8057id861",
    OSQUERY_SYSTEM_HOSTNAME: "e8057id862",
  },
  watch: { protocols: [PROTOCOL.tcp, PROTOCOL.udp] },
  byDefault: false,
  source: "proc(5), os-release(5); fields as osquery's tables os_version, kernel_info, processes",
  setup: () => {
    const host = new Host();
    const system = readSystem();
    return {
      create: () => new OsQuery(),
      // One packet a flow is looked up, the first with payload: flows that only pass by cost no more.
      onPacket(packet, slot) {
        const owner = host.owner(packet);
        if (!owner) return VERDICT.done;
        const state = slot.take();
        state.program = owner.program;
        state.user = owner.user;
        return VERDICT.done;
      },
      write(state, record) {
        record.OSQUERY_PROGRAM_NAME = state.program;
        record.OSQUERY_USERNAME = state.user;
        record.OSQUERY_OS_NAME = system.name;
        record.OSQUERY_OS_MAJOR = system.major;
        record.OSQUERY_OS_MINOR = system.minor;
        record.OSQUERY_OS_BUILD = system.build;
        record.OSQUERY_OS_PLATFORM = system.platform;
        record.OSQUERY_OS_PLATFORM_LIKE = system.platformLike;
        record.OSQUERY_OS_ARCH = system.arch;
        record.OSQUERY_KERNEL_VERSION = system.kernel;
        record.OSQUERY_SYSTEM_HOSTNAME = system.host;
      },
    };
  },
});
