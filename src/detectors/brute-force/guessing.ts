// SPDX-License-Identifier: BSD-3-Clause
import type { Template } from "../../core/unirec/template.ts";
import { Clients } from "./clients.ts";
import { Connection } from "./connection.ts";
import { type Flow, type Setup, TCP } from "./fields.ts";
import { readAgain, readFiles } from "./files.ts";
import { type Bounds, isScan, isWithin, SERVICE, type Side, watched } from "./services.ts";
import { TelnetProfiles } from "./telnet-profiles.ts";
import { SEEN } from "./victims.ts";

/** Which connections are those of clients that guess. */
export function guessing(context: Setup) {
  let files = readFiles(context);
  const isWatched = watched(context.params);
  const connection = new Connection();
  const profiles = new TelnetProfiles(context);
  const clients = new Clients(context);

  /** Whether the connection looks like a failed login: by the client's direction, where it is known. */
  function isGuess(service: number, time: number): boolean {
    const { toServer, toClient, client, server, clientPort, serverPort } = connection;
    const { incoming, outgoing } = files.config.services[service]!;
    const isTelnet = service === SERVICE.telnet;
    const isUsual = isTelnet && profiles.isUsual(server, toClient, time);
    const looks =
      toServer.packets === 0
        ? isUsual || isWithin(outgoing, toClient)
        : isWithin(incoming, toServer) && isShort(outgoing, toClient);
    return looks && !files.whitelist.covers(client, server, clientPort, serverPort);
  }

  function study(service: number, flow: Flow): void {
    const { toServer, toClient } = connection;
    if (isScan(service, toServer.packets === 0 ? toClient : toServer)) return;
    const seen = toServer.packets === 0 ? SEEN.outgoing : SEEN.incoming;
    const isAttempt = isGuess(service, flow.TIME_LAST);
    const row = clients.connection(service, connection, flow, seen);
    if (isAttempt) clients.attempt(row, connection, flow, seen);
  }

  return {
    flows(flow: Flow) {
      while (flow.next()) {
        if (flow.PROTOCOL !== TCP) continue;
        const service = connection.take(flow);
        if (service >= 0 && isWatched[service]) study(service, flow);
      }
    },
    announced: (layout: Template) => connection.announced(layout),
    everySecond(now: number) {
      clients.expire(now);
      profiles.expire(now);
    },
    end: () => clients.end(),
    ask() {
      files = readAgain(context, files);
    },
  };
}

/** Whether the server said no more than when it refuses: a login that went well may be as short on the client's side. */
function isShort(bounds: readonly Bounds[], { packets, bytes }: Side): boolean {
  if (bounds.length === 0) return true;
  for (let i = 0; i < bounds.length; i++)
    if (packets <= bounds[i]!.packetsMax && bytes <= bounds[i]!.bytesMax) return true;
  return false;
}
