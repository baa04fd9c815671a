// SPDX-License-Identifier: BSD-3-Clause

/** RFC 9110, RFC 5789, WebDAV with its extensions, UPnP, and what programs send in honest work. */
const USUAL =
  "GET HEAD POST PUT DELETE OPTIONS PATCH CONNECT PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH MKCALENDAR ACL BIND UNBIND REBIND CHECKIN CHECKOUT UNCHECKOUT MERGE UPDATE LABEL MKWORKSPACE MKACTIVITY BASELINE-CONTROL VERSION-CONTROL ORDERPATCH MKREDIRECTREF UPDATEREDIRECTREF SUBSCRIBE UNSUBSCRIBE NOTIFY POLL BCOPY BDELETE BMOVE BPROPFIND BPROPPATCH QUERY PURGE LINK UNLINK PRI SOURCE BITS_POST RPC_IN_DATA RPC_OUT_DATA";
/** What shows a request to who sent it, or ends a debugger's session: RFC 9110 section 9.3.8. */
const DEBUG = "TRACE TRACK DEBUG";

export const METHOD = { usual: 0, debug: 1, unknown: 2 } as const;

const KINDS = new Map<number, number>();
for (const name of USUAL.split(" ")) KINDS.set(hashOf(name), METHOD.usual);
for (const name of DEBUG.split(" ")) KINDS.set(hashOf(name), METHOD.debug);

/** The kind of a method, one of {@link METHOD}. */
export function methodKind(bytes: Uint8Array, from: number, length: number): number {
  let hash = length;
  for (let at = from; at < from + length; at++) hash = mix(hash, bytes[at]!);
  return KINDS.get(hash) ?? METHOD.unknown;
}

function hashOf(name: string): number {
  return [...name].reduce((hash, char) => mix(hash, char.charCodeAt(0)), name.length);
}

function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}
