// SPDX-License-Identifier: BSD-3-Clause
import { testProtocol } from "../testing/protocol-kit.ts";
import quic from "./quic.ts";

testProtocol(quic, { capture: "quic_initial-sample.pcap" });
