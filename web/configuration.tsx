// SPDX-License-Identifier: BSD-3-Clause
import { useState } from "preact/hooks";
import { type Access, sessionOf } from "./access.ts";
import type { Items } from "./api.ts";
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
  const inForce = usePoll<Config>(operator ? CONFIG : null, POLL_MS);
  const list = usePoll<Items<Revision>>(operator ? `${CONFIG}/revisions` : null, POLL_MS);
  const [isEdited, setEdited] = useState(false);
  const [applied, setApplied] = useState<AppliedTo>();
  const onApplied = (to: AppliedTo): void => {
    setApplied(to);
    setEdited(false);
    inForce.again();
    list.again();
  };
  const config = inForce.data;
  return (
    <>
      <Heading>Configuration</Heading>
      {operator ? <Waiting on={inForce} /> : <p>Operators and admins see the configuration.</p>}
      <Trouble text={inForce.error ?? list.error} />
      {applied ? <Applied to={applied} /> : null}
      {config && operator && isEdited ? (
        <ConfigEditor
          config={config}
          csrf={operator.csrf}
          mayApply={admin !== undefined}
          onApplied={onApplied}
          onLeave={() => setEdited(false)}
        />
      ) : null}
      {config && !isEdited ? (
        <Card title={`In force: revision ${config.revision}`}>
          <div class="title-row">
            <p class="note">
              Since {utc(config.at)} UTC: {config.reason}
            </p>
            <button type="button" onClick={() => setEdited(true)}>
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
