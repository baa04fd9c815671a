// SPDX-License-Identifier: BSD-3-Clause
import { testProtocol } from "../testing/protocol-kit.ts";
import vlan from "./vlan.ts";

testProtocol(vlan, { capture: "vlan.pcap" });
