// SPDX-License-Identifier: BSD-3-Clause
import { useState } from "preact/hooks";
import { post } from "./api.ts";
import { AskButton, useDoing } from "./ask.tsx";
import { type AppliedTo, CONFIG, type Config } from "./config-editor.tsx";
import { utc } from "./format.ts";
import { aroundChanges, lineDiff } from "./lines.ts";
import { Card, Columns, Scroll, Trouble, Waiting } from "./parts.tsx";
import { usePoll } from "./use-poll.ts";

export type Revision = Omit<Config, "body" | "revision"> & { readonly id: number };

/** A revision never changes: it is asked again only to say that it is gone. */
const POLL_MS = 60_000;

/** Configurations that were in force: what each changed, and a way back. */
export function Revisions({
  items,
  inForce,
  csrf,
  onApplied,
}: {
  readonly items: readonly Revision[];
  readonly inForce: Config;
  /** Of an admin. */
  readonly csrf: string | undefined;
  readonly onApplied: (to: AppliedTo) => void;
}) {
  const [open, setOpen] = useState<number>();
  const { busy, said, run } = useDoing();
  const rollBack = (revision: number): Promise<void> =>
    run(async () => {
      onApplied(await post<AppliedTo>(`${CONFIG}/rollback`, { revision }, csrf));
      return "";
    });
  const before = items[items.findIndex(({ id }) => id === open) + 1];
  return (
    <Card title="Revisions">
      <p role="status">{said}</p>
      <Scroll label="Revisions">
        <table class="revisions rows">
          <Columns names={["Revision", "Applied (UTC)", "Why", ""]} />
          <tbody>
            {items.map(({ id, at, reason }) => (
              <tr key={id}>
                <th scope="row">{id}</th>
                <td class="time">{utc(at)}</td>
                <td class="wide">{reason}</td>
                <td>
                  <div class="buttons">
                    <button
                      type="button"
                      aria-expanded={id === open}
                      aria-label={`Changes of revision ${id}`}
                      onClick={() => setOpen(id === open ? undefined : id)}
                    >
                      Changes
                    </button>
                    {csrf === undefined || id === inForce.revision ? null : (
                      <AskButton
                        label="Roll back"
                        name={`to revision ${id}`}
                        question={`The text of revision ${id} comes into force again, as a new revision.`}
                        disabled={busy}
                        onSure={() => rollBack(id)}
                      >
                        <Difference from={inForce.revision} to={id} />
                      </AskButton>
                    )}
                  </div>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {open === undefined ? null : (
        <section class="module" aria-label={`Changes of revision ${open}`}>
          <h3>What revision {open} changed</h3>
          <Difference from={before?.id} to={open} />
        </section>
      )}
    </Card>
  );
}

const pathOf = (revision: number): string => `${CONFIG}/revisions/${revision}`;

/** The lines in which a revision differs from another; from nothing, where there was none. */
function Difference({ from, to }: { readonly from: number | undefined; readonly to: number }) {
  const before = usePoll<Config>(from === undefined ? null : pathOf(from), POLL_MS);
  const after = usePoll<Config>(pathOf(to), POLL_MS);
  const error = before.error ?? after.error;
  if (error !== undefined) return <Trouble text={error} />;
  if (!after.data || (from !== undefined && !before.data)) return <Waiting on={{}} />;
  const lines = lineDiff(before.data?.body ?? "", after.data.body);
  if (lines.every(({ kind }) => kind === "same")) return <p class="note">Not one line differs.</p>;
  return (
    <Scroll name="code diff" label={`Difference to revision ${to}`}>
      <pre>
        {aroundChanges(lines).map((line, i) =>
          line === null ? (
            <span key={i} class="left-out">
              {"…\n"}
            </span>
          ) : (
            <span key={i} class={line.kind}>
              {`${MARKS[line.kind]} ${line.text}\n`}
            </span>
          ),
        )}
      </pre>
    </Scroll>
  );
}

/** Colour alone tells nobody who cannot see it. */
const MARKS = { same: " ", removed: "−", added: "+" } as const;
