// SPDX-License-Identifier: BSD-3-Clause
/** A strict reader of syslog messages (RFC 5424 section 6) and of their frames (RFC 6587 section 3.4.1). */

export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  readonly time: string;
  readonly host: string;
  readonly app: string;
  readonly process: string;
  readonly kind: string;
  /** SD-ID of the one element, and its parameters. */
  readonly element: string;
  readonly params: ReadonlyMap<string, string>;
  readonly hasMark: boolean;
  readonly body: string;
}

const HEADER =
  /^<(0|[1-9]\d{0,2})>1 (\S+) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) \[([!-~]{1,32}) /;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z$/;
const PARAM = /^([!#-<>-\\^-~]{1,32})="((?:[^"\\\]]|\\["\\\]])*)"( |\] )/u;

export function parseSyslog(message: Uint8Array): SyslogMessage {
  // Fatal: bytes that are no UTF-8 are an error here.
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(message);
  const header = HEADER.exec(text);
  if (!header) throw new Error(`no header: ${text.slice(0, 200)}`);
  const [all, priority, time, host, app, process, kind, element] = header;
  if (Number(priority) > 191) throw new Error(`priority ${priority}`);
  if (!TIME.test(time!)) throw new Error(`time ${time}`);
  const params = new Map<string, string>();
  let rest = text.slice(all.length);
  for (let end = " "; end === " "; ) {
    const param = PARAM.exec(rest);
    if (!param) throw new Error(`no parameter: ${rest.slice(0, 200)}`);
    if (params.has(param[1]!)) throw new Error(`${param[1]} twice`);
    params.set(param[1]!, param[2]!.replace(/\\(["\\\]])/g, "$1"));
    rest = rest.slice(param[0].length);
    end = param[3]!;
  }
  const hasMark = rest.startsWith("\ufeff");
  const body = hasMark ? rest.slice(1) : rest;
  if (!hasMark && /[^\p{ASCII}]/u.test(body)) throw new Error("UTF-8 without a BOM");
  return {
    facility: Number(priority) >> 3,
    severity: Number(priority) & 7,
    time: time!,
    host: host!,
    app: app!,
    process: process!,
    kind: kind!,
    element: element!,
    params,
    hasMark,
    body,
  };
}

/** The messages of a stream of frames. */
export function framesOf(stream: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const space = stream.indexOf(0x20, at);
    const count = Buffer.from(stream.subarray(at, space)).toString("latin1");
    if (!/^[1-9]\d*$/.test(count)) throw new Error(`frame of ${count} bytes`);
    at = space + 1 + Number(count);
    if (at > stream.length) throw new Error("a frame is cut short");
    frames.push(stream.subarray(space + 1, at));
  }
  return frames;
}
