// SPDX-License-Identifier: BSD-3-Clause

/** Where in the numbers of a suspect or victim lies what. They lie together: a column each would cost a cache miss each. */
export const AT = {
  window: 0,
  /** Of this window, as a rate over it. */
  windowPackets: 1,
  windowBytes: 2,
  /** What the event tells of; of a suspect, what this window does. */
  flows: 3,
  packets: 4,
  bytes: 5,
  first: 6,
  last: 7,
  port: 8,
  /** How often the sketches have changed: as many there are at least, and while they are few, just as many. */
  sources: 9,
  hosts: 10,
  /** Flows that were put with the evidence. */
  shown: 11,
  /** Packets last told; 0 of who is a suspect only. */
  announced: 12,
  /** When the flood was last above half its limit. */
  flooded: 13,
  /** Of the window with the most. */
  mostPackets: 14,
  mostBytes: 15,
  /** What a window usually had when the flood began, and whether that was watched for long enough. */
  usualPackets: 16,
  usualBytes: 17,
  known: 18,
  /** Whether bytes made it a flood, not packets. */
  byBytes: 19,
} as const;
export const STRIDE = 20;
/** What stands for the port of a victim where there are several. */
export const SEVERAL = -1;
