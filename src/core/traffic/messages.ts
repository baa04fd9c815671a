// SPDX-License-Identifier: BSD-3-Clause
import type { Message } from "./dns-message.ts";
import type { Host } from "./host.ts";

/** These bytes. */
export function octets(content: readonly number[] | Uint8Array): Message {
  return (bytes, at) => {
    bytes.set(content, at);
    return content.length;
  };
}

export const text = (content: string): Message => octets(new TextEncoder().encode(content));

/** A BOOTP message of 300 bytes with the DHCP message type (RFC 2131 section 2, RFC 2132 section 9.6). */
export function dhcp(
  client: Host,
  transaction: number[],
  { operation, type }: { operation: number; type: number },
): Message {
  const bytes = new Uint8Array(300);
  const view = new DataView(bytes.buffer);
  bytes.set([operation, 1, 6, 0, ...transaction]);
  view.setInt32(12, client.ipv4);
  if (operation === 2) view.setInt32(16, client.ipv4);
  view.setUint16(28, client.mac[0]);
  view.setInt32(30, client.mac[1] | 0);
  bytes.set([0x63, 0x82, 0x53, 0x63, 53, 1, type, 255], 236);
  return octets(bytes);
}
