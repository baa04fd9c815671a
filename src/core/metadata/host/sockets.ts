// SPDX-License-Identifier: BSD-3-Clause
/** Which program of this host a socket belongs to, by Linux's proc(5). @module */
import { readdirSync, readlinkSync } from "node:fs";
import { PROTOCOL } from "../packet.ts";
import { textFile } from "./system.ts";

/** Sockets that are known at once; those behind them have no owner. */
const SOCKETS_MAX = 16_384;
/** Processes whose files are looked at. */
const PROCESSES_MAX = 4096;
const TABLES = [
  ["tcp", PROTOCOL.tcp],
  ["tcp6", PROTOCOL.tcp],
  ["udp", PROTOCOL.udp],
  ["udp6", PROTOCOL.udp],
] as const;
const NUMBER = /^\d+$/;
const SOCKET = /^socket:\[(\d+)\]$/;
const BLANKS = /\s+/;

export interface Owner {
  readonly program: string;
  readonly user: string;
}

/** One end of a flow: the last 32 bits of its address in the host's byte order, as proc has them, and its port. */
export interface End {
  readonly word: number;
  readonly port: number;
}

interface Socket {
  readonly local: End;
  readonly remote: End;
  readonly inode: string;
  readonly user: string;
}

const keyOf = (protocol: number, local: number, remote: number): number =>
  (protocol * 65_536 + local) * 65_536 + remote;

/** An end as in proc's tables: the address's words in hexadecimal, a colon, the port. */
function endOf(text: string): End {
  const [address = "", port = ""] = text.split(":");
  return { word: Number.parseInt(address.slice(-8), 16), port: Number.parseInt(port, 16) };
}

const isAt = (end: End, socket: End): boolean =>
  // An address of zeros is any.
  (socket.word === 0 || socket.word === end.word) &&
  (socket.port === 0 || socket.port === end.port);

/** The sockets of this host and the programs that have them, as of the last {@link refresh}. */
export class Sockets {
  readonly #proc: string;
  readonly #passwd: string;
  readonly #sockets = new Map<number, Socket>();
  readonly #programs = new Map<string, string>();

  constructor(proc = "/proc", passwd = "/etc/passwd") {
    this.#proc = proc;
    this.#passwd = passwd;
  }

  /** Ask the system again. Takes milliseconds, and more where many processes run. */
  refresh(): void {
    this.#sockets.clear();
    this.#programs.clear();
    const users = this.#users();
    for (const [file, protocol] of TABLES) this.#readTable(file, protocol, users);
    if (this.#sockets.size > 0) this.#readProcesses();
  }

  /** The program that sends from `local` to `remote`; undefined when there is none, or it is not to be seen. */
  owner(protocol: number, local: End, remote: End): Owner | undefined {
    const socket =
      this.#sockets.get(keyOf(protocol, local.port, remote.port)) ??
      this.#sockets.get(keyOf(protocol, local.port, 0));
    if (!socket || !isAt(local, socket.local) || !isAt(remote, socket.remote)) return undefined;
    const program = this.#programs.get(socket.inode);
    return program === undefined ? undefined : { program, user: socket.user };
  }

  #users(): Map<string, string> {
    const lines = textFile(this.#passwd).split("\n");
    return new Map(
      lines.map((line) => {
        const [name = "", , id = ""] = line.split(":");
        return [id, name];
      }),
    );
  }

  #readTable(file: string, protocol: number, users: Map<string, string>): void {
    for (const line of textFile(`${this.#proc}/net/${file}`).split("\n").slice(1)) {
      const columns = line.trim().split(BLANKS);
      const inode = columns[9];
      // A connection that is closed has no file any more.
      if (inode === undefined || inode === "0") continue;
      if (this.#sockets.size === SOCKETS_MAX) return;
      const local = endOf(columns[1]!);
      const remote = endOf(columns[2]!);
      const user = users.get(columns[7]!) ?? columns[7]!;
      this.#sockets.set(keyOf(protocol, local.port, remote.port), { local, remote, inode, user });
    }
  }

  #readProcesses(): void {
    const ids = list(this.#proc).filter((name) => NUMBER.test(name));
    for (const id of ids.slice(0, PROCESSES_MAX)) {
      const folder = `${this.#proc}/${id}`;
      let program: string | undefined;
      for (const file of list(`${folder}/fd`)) {
        const inode = SOCKET.exec(link(`${folder}/fd/${file}`))?.[1];
        if (inode === undefined) continue;
        program ??= textFile(`${folder}/comm`).trimEnd();
        this.#programs.set(inode, program);
      }
    }
  }
}

/** Names in a folder; none when it is gone, or another user's. */
function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Where a link leads; empty when it is gone. */
function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
