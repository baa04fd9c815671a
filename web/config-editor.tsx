// SPDX-License-Identifier: BSD-3-Clause
import { useRef, useState } from "preact/hooks";
import { ApiError, type Mistake, post } from "./api.ts";
import { AskButton, useDoing } from "./ask.tsx";
import { offsetOf } from "./lines.ts";
import { Card, Trouble } from "./parts.tsx";

export const CONFIG = "/api/v1/config";

export interface Config {
  readonly revision: number;
  readonly at: string;
  readonly reason: string;
  readonly body: string;
}
interface Checked {
  readonly problems: readonly Mistake[];
  readonly changes: readonly string[];
}
export interface AppliedTo {
  readonly revision: number;
  readonly changes: readonly string[];
  readonly restarted: readonly string[];
  readonly pending: readonly string[];
}

/** A text area, a look at what is wrong with it, and for admins the button that puts it in force. */
export function ConfigEditor({
  config,
  text,
  csrf,
  mayApply,
  onApplied,
  onLeave,
}: {
  /** The one in force; undefined as long as none was applied. */
  readonly config: Config | undefined;
  /** What the edit begins with. */
  readonly text: string;
  readonly csrf: string;
  readonly mayApply: boolean;
  readonly onApplied: (to: AppliedTo) => void;
  readonly onLeave: () => void;
}) {
  const area = useRef<HTMLTextAreaElement>(null);
  // What it was made from: another revision that comes meanwhile is not to be lost.
  const [base] = useState(config);
  const [checked, setChecked] = useState<Checked>();
  const { busy, said, run } = useDoing();
  const check = (): Promise<void> =>
    run(async () => {
      const found = await post<Checked>(`${CONFIG}/check`, { body: area.current!.value }, csrf);
      setChecked(found);
      return found.problems.length === 0 ? "Nothing is wrong with it." : "";
    });
  const apply = (fields: FormData): Promise<void> =>
    run(async () => {
      const reason = String(fields.get("reason")).trim();
      const body = {
        body: area.current!.value,
        revision: base?.revision ?? 0,
        ...(reason === "" ? {} : { reason }),
      };
      try {
        onApplied(await post<AppliedTo>(`${CONFIG}/apply`, body, csrf));
        return "Applied";
      } catch (error) {
        if (error instanceof ApiError && error.mistakes.some(({ line }) => line !== undefined))
          setChecked({ problems: error.mistakes, changes: [] });
        throw error;
      }
    });
  const showPlace = ({ line = 1, column = 1 }: Mistake): void => {
    const at = offsetOf(area.current!.value, line, column);
    area.current!.focus();
    area.current!.setSelectionRange(at, at + 1);
  };
  return (
    <Card title={base ? `Edit, from revision ${base.revision}` : "Edit the first"}>
      {config === undefined || config.revision === base?.revision ? null : (
        <Trouble
          text={`Meanwhile revision ${config.revision} came into force. Discard to see it.`}
        />
      )}
      <label>
        Text (TOML)
        <textarea
          class="code"
          ref={area}
          defaultValue={text}
          rows={24}
          spellcheck={false}
          onInput={() => setChecked(undefined)}
        />
      </label>
      <p class="buttons">
        <button type="button" onClick={check} disabled={busy}>
          Check
        </button>
        {mayApply ? (
          <AskButton
            label="Apply"
            question="This text comes into force now; processes that it changes are restarted."
            disabled={busy}
            onSure={apply}
          >
            <Changes changes={checked?.changes} />
            <label>
              Why (kept with the revision)
              <input name="reason" autocomplete="off" maxLength={256} />
            </label>
          </AskButton>
        ) : null}
        <button type="button" onClick={onLeave}>
          Discard
        </button>
        <span role="status">{said}</span>
      </p>
      {checked ? <Problems problems={checked.problems} onShow={showPlace} /> : null}
      {checked?.problems.length === 0 ? <Changes changes={checked.changes} /> : null}
    </Card>
  );
}

function Problems({
  problems,
  onShow,
}: {
  readonly problems: readonly Mistake[];
  readonly onShow: (problem: Mistake) => void;
}) {
  if (problems.length === 0) return null;
  return (
    <section class="module" aria-label="Problems">
      <h3>What is wrong</h3>
      <ul class="problems">
        {problems.map((problem, i) => (
          <li key={i}>
            <button type="button" class="link" onClick={() => onShow(problem)}>
              Line {problem.line}, column {problem.column}
            </button>{" "}
            {problem.message}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Settings that change; undefined as long as nobody has looked. */
function Changes({ changes }: { readonly changes: readonly string[] | undefined }) {
  if (changes === undefined) return <p class="note">Check first to see what it changes.</p>;
  return <List title="What it changes" items={changes} none="It changes no setting." />;
}

/** What came of a configuration that was applied. */
export function Applied({
  to: { revision, changes, restarted, pending },
}: {
  readonly to: AppliedTo;
}) {
  return (
    <section class="card applied" role="status" aria-label="Applied">
      <h2>Revision {revision} is in force</h2>
      <div class="counts">
        <List title="Changed" items={changes} none="No setting changed." />
        <List title="Restarted" items={restarted} none="No process was restarted." />
        <List title="Not at work yet" items={pending} none="Nothing waits." />
      </div>
    </section>
  );
}

function List({
  title,
  items,
  none,
}: {
  readonly title: string;
  readonly items: readonly string[];
  readonly none: string;
}) {
  return (
    <section class="module">
      <h3>{title}</h3>
      {items.length === 0 ? (
        <p class="note">{none}</p>
      ) : (
        <ul>
          {items.map((item) => (
            <li key={item}>
              <code>{item}</code>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
