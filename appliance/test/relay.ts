// SPDX-License-Identifier: BSD-3-Clause
/** Carries bytes between standard input and output and a port of loopback: `bun relay.ts PORT`. @module */
import { connect } from "node:net";

const socket = connect(Number(process.argv[2]), "127.0.0.1");
process.stdin.pipe(socket).pipe(process.stdout);
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));
