// SPDX-License-Identifier: BSD-3-Clause

/** One way for messages to a receiver. Nothing here rejects: what went wrong is the text that is returned. */
export interface Transport {
  /** Bytes that a message may have. */
  readonly longest: number;
  /** Whether messages are framed by their length. */
  readonly framed: boolean;
  /** Connect where there is no connection. */
  ready(): Promise<string | undefined>;
  /** Hand a message to the system: it has all its bytes unless there is a text of why not. */
  write(message: Uint8Array): Promise<string | undefined>;
  close(): Promise<void>;
}
