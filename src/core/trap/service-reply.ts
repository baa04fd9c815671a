// SPDX-License-Identifier: BSD-3-Clause
/** What the service interface says, in the original's words and types (trap.md section 10). @module */
import type { ClientStats, InputStats, OutputStats } from "./interface.ts";

/** Bytes in front of a request and of a reply: command, three of padding, length little-endian. */
export const SERVICE_HEAD = 8;

/** Commands: ask for the counters; here they are. */
const GET = 10;
const OK = 12;
const LENGTH_AT = 4;

/** Interfaces of a process as they are now. */
export interface ServicePorts {
  readonly inputs: () => readonly InputStats[];
  readonly outputs: () => readonly OutputStats[];
}

/** Whether a request of {@link SERVICE_HEAD} bytes asks for the counters: the only one there is, and it has no more bytes. */
export const isGet = (request: Uint8Array<ArrayBuffer>): boolean =>
  request[0] === GET && new DataView(request.buffer).getUint32(LENGTH_AT, true) === 0;

const encoder = new TextEncoder();

/** The reply to a request, whose padding comes back as the original does it; the text ends with a zero byte. */
export function encodeReply(request: Uint8Array, text: string): Uint8Array<ArrayBuffer> {
  const length = Buffer.byteLength(text) + 1;
  const reply = new Uint8Array(new ArrayBuffer(SERVICE_HEAD + length));
  reply.set(request.subarray(0, LENGTH_AT));
  reply[0] = OK;
  new DataView(reply.buffer).setUint32(LENGTH_AT, length, true);
  encoder.encodeInto(text, reply.subarray(SERVICE_HEAD));
  return reply;
}

/**
 * The counters as JSON. `missed`, `malformed`, `reconnects` and `unheard` are ours: who does not know them passes
 * over them. `buffers` and `dropped-messages` are true, where the original leaves those of sockets at 0.
 */
export function statsText(ports: ServicePorts): string {
  const inputs = ports.inputs();
  const outputs = ports.outputs();
  return JSON.stringify({
    in_cnt: inputs.length,
    out_cnt: outputs.length,
    in: inputs.map(describeInput),
    out: outputs.map((output) => describeOutput(output, inputs)),
  });
}

const describeInput = (input: InputStats): object => ({
  ifc_type: input.type.charCodeAt(0),
  ifc_id: input.id,
  ifc_state: input.connected ? 1 : 0,
  messages: input.messages,
  buffers: input.buffers,
  // Times of the last call that received, which nothing here measures; trap_stats wants the keys.
  delay_last: 0,
  delay_total: 0,
  missed: input.missed,
  malformed: input.malformed,
  reconnects: input.reconnects,
});

const SOCKETS = "utT";

const describeOutput = (output: OutputStats, inputs: readonly InputStats[]): object => ({
  ifc_type: output.type.charCodeAt(0),
  ifc_id: output.id,
  num_clients: output.clientCount,
  "sent-messages": output.messages,
  "dropped-messages": output.dropped,
  buffers: output.buffers,
  autoflushes: output.autoflushes,
  unheard: output.unheard,
  client_stats_arr: SOCKETS.includes(output.type)
    ? [describePeer(received(inputs)), ...output.clients.map(describePeer)]
    : [],
});

/** Counters of a client, or of what is told as one. */
type Peer = Omit<ClientStats, "id"> & { readonly id: number | string };

/** All inputs of the process together, which the original puts before the clients of each output. */
function received(inputs: readonly InputStats[]): Peer {
  let sentContainers = 0;
  let sentMessages = 0;
  let skippedMessages = 0;
  for (const input of inputs) {
    sentContainers += input.buffers;
    sentMessages += input.messages;
    skippedMessages += input.missed;
  }
  return { id: "extended_input_interface_info", sentContainers, sentMessages, skippedMessages };
}

/** Counters are text here, since those of C have 64 bits. */
function describePeer(peer: Peer): object {
  const all = peer.sentMessages + peer.skippedMessages;
  return {
    id: peer.id,
    sent_containers: String(peer.sentContainers),
    sent_messages: String(peer.sentMessages),
    skipped_messages: String(peer.skippedMessages),
    skipped_percentage: float(all === 0 ? 0 : (100 * peer.skippedMessages) / all),
  };
}

/** Of ECMAScript 2026; TypeScript does not list it yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };

/** A number that stays one with a fraction: C's JSON library tells 0.0 from 0. */
const float = (value: number): object =>
  rawJSON(Number.isInteger(value) ? value.toFixed(1) : String(value));
