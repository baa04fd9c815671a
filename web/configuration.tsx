// SPDX-License-Identifier: BSD-3-Clause
import { useState } from "preact/hooks";
import { type Access, sessionOf } from "./access.ts";
import type { Items, Stats } from "./api.ts";
import { Applied, type AppliedTo, CONFIG, type Config, ConfigEditor } from "./config-editor.tsx";
import { utc } from "./format.ts";
import { Card, Heading, Scroll, Trouble, Waiting } from "./parts.tsx";
import { type Revision, Revisions } from "./revisions.tsx";
import { usePoll } from "./use-poll.ts";

const POLL_MS = 10_000;

/** What is in force, what was, and how another comes into force. */
export function Configuration({ access }: { readonly access: Access }) {
  const operator = sessionOf(access, "operator");
  const admin = sessionOf(access, "admin");
  const list = usePoll<Items<Revision>>(operator ? `${CONFIG}/revisions` : null, POLL_MS);
  const isNone = list.data?.items.length === 0;
  // Asked only when there is one: a browser logs it as an error when there is none.
  const inForce = usePoll<Config>(list.data && !isNone ? CONFIG : null, POLL_MS);
  /** The text that an edit began with. */
  const [edited, setEdited] = useState<string>();
  const [applied, setApplied] = useState<AppliedTo>();
  const onApplied = (to: AppliedTo): void => {
    setApplied(to);
    setEdited(undefined);
    inForce.again();
    list.again();
  };
  const config = inForce.data;
  return (
    <>
      <Heading>Configuration</Heading>
      {operator ? (
        <Waiting on={isNone || list.error !== undefined ? list : inForce} />
      ) : (
        <p>Operators and admins see the configuration.</p>
      )}
      <Trouble text={inForce.error ?? list.error} />
      {applied ? <Applied to={applied} /> : null}
      {operator && edited !== undefined ? (
        <ConfigEditor
          config={config}
          text={edited}
          csrf={operator.csrf}
          mayApply={admin !== undefined}
          onApplied={onApplied}
          onLeave={() => setEdited(undefined)}
        />
      ) : null}
      {isNone && edited === undefined ? <None onWrite={setEdited} /> : null}
      {config && edited === undefined ? (
        <Card title={`In force: revision ${config.revision}`}>
          <div class="title-row">
            <p class="note">
              Since {utc(config.at)} UTC: {config.reason}
            </p>
            <button type="button" onClick={() => setEdited(config.body)}>
              Edit
            </button>
          </div>
          <Scroll name="code" label="Configuration in force">
            <pre>{config.body}</pre>
          </Scroll>
        </Card>
      ) : null}
      {config && list.data ? (
        <Revisions
          items={list.data.items}
          inForce={config}
          csrf={admin?.csrf}
          onApplied={onApplied}
        />
      ) : null}
    </>
  );
}

/** Options alone say what runs; a text to begin with names the interfaces that they name. */
function None({ onWrite }: { readonly onWrite: (text: string) => void }) {
  const { data, error } = usePoll<Stats>("/api/v1/stats", POLL_MS);
  const taps = data?.sources.filter(({ kind }) => kind === "live") ?? [];
  const text = taps.map(({ name }) => `[[sources]]\ninterface = ${JSON.stringify(name)}\n`);
  return (
    <Card title="None in force">
      <p>
        No configuration was ever applied: the options that the appliance was started with say what
        runs. The first one that is applied takes their place.
      </p>
      <Trouble text={error} />
      <p class="buttons">
        <button type="button" disabled={!data} onClick={() => onWrite(text.join("\n"))}>
          Write one
        </button>
      </p>
    </Card>
  );
}
