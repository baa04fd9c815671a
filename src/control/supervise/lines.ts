// SPDX-License-Identifier: BSD-3-Clause
import type { Socket } from "node:net";

/** Longest line; a peer that sends a longer one makes no sense. */
const LINE_MAX = 4 << 20;

/**
 * JSON values over a stream, one a line. A peer that breaks the rules is hung up on.
 * @param onValue must not keep the loop for long; what it throws ends the connection
 */
export function readLines(socket: Socket, onValue: (value: unknown) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    try {
      if (rest.length > LINE_MAX) throw new Error("a line is too long");
      for (const line of lines) onValue(JSON.parse(line));
    } catch {
      socket.destroy();
    }
  });
}

export const writeLine = (socket: Socket, value: unknown): void =>
  writeText(socket, JSON.stringify(value));

/** @param json a JSON text without line breaks */
export const writeText = (socket: Socket, json: string): void => void socket.write(`${json}\n`);
