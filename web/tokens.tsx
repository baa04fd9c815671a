// SPDX-License-Identifier: BSD-3-Clause
import { useState } from "preact/hooks";
import type { Role, Scope } from "../src/control/auth/access.ts";
import type { TokenInfo } from "../src/control/auth/tokens.ts";
import type { Session } from "./access.ts";
import { type Items, post, remove } from "./api.ts";
import { AskButton, useDoing } from "./ask.tsx";
import { utcOf } from "./format.ts";
import { Card, Columns, Scroll, Trouble, Waiting } from "./parts.tsx";
import { usePoll } from "./use-poll.ts";

const TOKENS = "/api/v1/tokens";
const POLL_MS = 10_000;

const OF_OPERATORS: readonly Scope[] = ["read:alerts", "write:alerts", "read:config", "control"];
/** Scopes that one may give on. */
const SCOPES: Readonly<Record<Role, readonly Scope[]>> = {
  viewer: ["read:alerts"],
  operator: OF_OPERATORS,
  admin: [...OF_OPERATORS, "write:config", "admin"],
};

const DAY_MS = 86_400_000;
const LASTS = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "a year"],
  ["", "until it is revoked"],
] as const;

/** One's own API tokens: for programs that ask the API in one's name. */
export function Tokens({ session }: { readonly session: Session }) {
  const polled = usePoll<Items<TokenInfo>>(TOKENS, POLL_MS);
  const { data, error, again } = polled;
  const { busy, said, run } = useDoing();
  const [made, setMade] = useState<string>();
  // A form of its own for each token, so that the next one begins anew.
  const [count, setCount] = useState(0);
  const revoke = ({ id, name }: TokenInfo): Promise<void> =>
    run(async () => {
      await remove(`${TOKENS}/${id}`, session.csrf);
      again();
      return `${name} is revoked.`;
    });
  const create = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const days = Number(fields.get("days"));
    const wish = {
      name: fields.get("name"),
      scopes: fields.getAll("scopes"),
      expires: days === 0 ? null : Date.now() + days * DAY_MS,
    };
    setMade(undefined);
    await run(async () => {
      setMade((await post<{ token: string }>(TOKENS, wish, session.csrf)).token);
      setCount(count + 1);
      again();
      return "";
    });
  };
  return (
    <Card title="API tokens">
      <Trouble text={error} />
      <Waiting on={polled} />
      {data?.items.length === 0 ? <p class="note">You have none.</p> : null}
      {data && data.items.length > 0 ? (
        <TokenTable items={data.items} disabled={busy} onRevoke={revoke} />
      ) : null}
      {made === undefined ? null : <NewToken token={made} />}
      <form key={count} class="module" onSubmit={create} aria-label="New token">
        <h3>New token</h3>
        <TokenFields scopes={SCOPES[session.role]} />
        <p class="buttons">
          <button type="submit" disabled={busy}>
            Make token
          </button>
          <span role="status">{said}</span>
        </p>
      </form>
    </Card>
  );
}

function NewToken({ token }: { readonly token: string }) {
  return (
    <section class="card applied" role="status">
      <label>
        The token: copy it now, it is shown this once
        <input
          class="secret"
          readOnly
          value={token}
          onFocus={(event) => event.currentTarget.select()}
        />
      </label>
      <p class="note">
        Programs send it as <code>Authorization: Bearer nmn_…</code>
      </p>
    </section>
  );
}

function TokenFields({ scopes }: { readonly scopes: readonly Scope[] }) {
  return (
    <>
      <div class="filters">
        <label>
          What it is for
          <input name="name" required maxLength={64} autocomplete="off" />
        </label>
        <label>
          Good for
          <select name="days">
            {LASTS.map(([days, words]) => (
              <option key={days} value={days} selected={days === "90"}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </div>
      <fieldset>
        <legend>What it may do</legend>
        {scopes.map((scope) => (
          <label key={scope} class="check">
            <input type="checkbox" name="scopes" value={scope} checked={scope === "read:alerts"} />
            {scope}
          </label>
        ))}
      </fieldset>
    </>
  );
}

function TokenTable({
  items,
  disabled,
  onRevoke,
}: {
  readonly items: readonly TokenInfo[];
  readonly disabled: boolean;
  readonly onRevoke: (token: TokenInfo) => Promise<void>;
}) {
  return (
    <Scroll label="API tokens">
      <table class="tokens rows">
        <Columns
          names={["For", "May", "Made (UTC)", "Good until (UTC)", "Last used (UTC)", "End"]}
        />
        <tbody>
          {items.map((token) => (
            <tr key={token.id}>
              <th scope="row">{token.name}</th>
              <td>{token.scopes.join(", ")}</td>
              <td class="time">{utcOf(token.created)}</td>
              <td class="time">
                {token.expires === null ? "it is revoked" : utcOf(token.expires)}
              </td>
              <td class="time">{token.lastUsed === null ? "never" : utcOf(token.lastUsed)}</td>
              <td>
                <AskButton
                  label="Revoke"
                  name={token.name}
                  question={`Programs that use ${token.name} are refused from now on.`}
                  disabled={disabled}
                  onSure={() => onRevoke(token)}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
