// SPDX-License-Identifier: BSD-3-Clause
/** The API from outside, as an admin. @module */
import { ask } from "../watch.ts";

export interface Alert {
  readonly id: string;
  readonly detector: string;
  readonly [field: string]: unknown;
}

export interface Stats {
  readonly sources: readonly {
    readonly name: string;
    readonly meter: { readonly packets: number; readonly bytes: number };
    readonly capture?: { readonly received: number; readonly dropped: number };
  }[];
}

interface Page {
  readonly items: readonly Alert[];
  readonly next?: string | null;
}

export class Client {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  private constructor(url: string, cookie: string) {
    this.#url = url;
    this.#headers = { cookie };
  }

  /** Make the first admin. */
  static setUp(url: string, token: string, password: string): Promise<Client> {
    return Client.#enter(url, "setup", { token, name: "admin", password });
  }

  static logIn(url: string, password: string): Promise<Client> {
    return Client.#enter(url, "login", { name: "admin", password });
  }

  static async #enter(url: string, how: string, body: object): Promise<Client> {
    const answer = await ask(`${url}api/v1/${how}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${how}: ${answer.status} ${await answer.text()}`);
    const cookie = answer.headers.get("set-cookie")!.split(";", 1)[0]!;
    return new Client(url, cookie);
  }

  async get<T>(path: string): Promise<T> {
    const answer = await ask(`${this.#url}${path}`, { headers: this.#headers });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  alerts = async (): Promise<readonly Alert[]> =>
    (await this.get<{ items: readonly Alert[] }>("api/v1/alerts")).items;

  /** Ids of all alerts there are. */
  async everyAlert(): Promise<Set<string>> {
    const ids = new Set<string>();
    let cursor = "";
    do {
      const query = `limit=100${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await this.get<Page>(`api/v1/alerts?${query}`);
      for (const { id } of page.items) ids.add(id);
      cursor = page.next ?? "";
    } while (cursor !== "");
    return ids;
  }

  stats = (): Promise<Stats> => this.get<Stats>("api/v1/stats");
}
