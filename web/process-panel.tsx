// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useRef } from "preact/hooks";
import type { Session } from "./access.ts";
import { type Items, post } from "./api.ts";
import { AskButton, useDoing } from "./ask.tsx";
import { CountTable } from "./counters.tsx";
import { count, share, short, utc } from "./format.ts";
import { Facts } from "./parts.tsx";
import {
  cpuOf,
  type Line,
  type Module,
  type PipelineData,
  PROCESSES,
  type Process,
} from "./pipeline-data.ts";
import { usePoll } from "./use-poll.ts";

const LOG_POLL_MS = 2000;

/** One process: how it fares, what it says, what runs in it; for operators the buttons that start and stop it. */
export function ProcessPanel({
  process,
  data,
  session,
  onChanged,
  onClose,
}: {
  readonly process: Process;
  readonly data: PipelineData;
  /** Of an operator. */
  readonly session: Session | undefined;
  readonly onChanged: () => void;
  readonly onClose: () => void;
}) {
  const { name, state, since, restarts, reason, retryAt, pid, memory } = process;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const modules = data.modules.filter((module) => module.process === name);
  return (
    <section class="card panel" aria-label={`Process ${name}`}>
      <div class="title-row">
        <h2 ref={heading} tabIndex={-1}>
          {name}
        </h2>
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
      {reason === null ? null : <p class="trouble">Ended by itself: {reason}</p>}
      <Facts
        facts={[
          [
            "State",
            <span key={0} class={`state ${state}`}>
              {state}
            </span>,
          ],
          ["Since (UTC)", utc(since)],
          ["Starts again (UTC)", retryAt === null ? undefined : utc(retryAt)],
          ["Process id", pid === null ? undefined : String(pid)],
          ["CPU, of one core", pid === null ? undefined : share(cpuOf(process, data.rates))],
          ["Memory", pid === null ? undefined : short(memory, "B")],
          ["Restarts", count(restarts)],
        ]}
      />
      {session && process.kind !== "control" ? (
        <Buttons process={process} session={session} onChanged={onChanged} />
      ) : null}
      {modules.map((module) => (
        <ModuleCounts key={module.name} module={module} />
      ))}
      {session ? <Log name={name} /> : null}
    </section>
  );
}

const QUESTIONS = {
  start: "is started",
  stop: "is stopped, and stays so until it is started again; what it does is not done meanwhile",
  restart: "is stopped and started anew; what it holds in memory is lost",
} as const;
type Action = keyof typeof QUESTIONS;

const actionsFor = ({ state }: Process): readonly Action[] =>
  state === "running" || state === "starting" ? ["stop", "restart"] : ["start"];

function Buttons({
  process,
  session,
  onChanged,
}: {
  readonly process: Process;
  readonly session: Session;
  readonly onChanged: () => void;
}) {
  const { busy, said, run } = useDoing();
  const act = (action: Action): Promise<void> =>
    run(async () => {
      await post(
        `${PROCESSES}/${encodeURIComponent(process.name)}/${action}`,
        undefined,
        session.csrf,
      );
      onChanged();
      return `Done: ${action}`;
    });
  return (
    <p class="buttons">
      {actionsFor(process).map((action) => (
        <AskButton
          key={action}
          label={`${action[0]!.toUpperCase()}${action.slice(1)}`}
          name={process.name}
          question={`${process.name} ${QUESTIONS[action]}.`}
          disabled={busy}
          onSure={() => act(action)}
        />
      ))}
      <span role="status">{said}</span>
    </p>
  );
}

function ModuleCounts({ module }: { readonly module: Module }) {
  const { name, about, params, inputs, outputs, counters } = module;
  return (
    <section class="module">
      <h3>{name}</h3>
      <p class="note">{about}</p>
      <div class="counts">
        <CountTable title="Received" counts={inputs} />
        <CountTable title="Sent" counts={outputs} />
        <CountTable title="Counters" counts={counters} />
        <CountTable title="Parameters that are set" counts={params} />
      </div>
    </section>
  );
}

/** How far from its end a log may be scrolled and still follows what is written. */
const NEAR = 40;

function Log({ name }: { readonly name: string }) {
  const { data, error } = usePoll<Items<Line>>(
    `${PROCESSES}/${encodeURIComponent(name)}/logs`,
    LOG_POLL_MS,
  );
  const frame = useRef<HTMLElement>(null);
  const follows = useRef(true);
  // Each answer may have new lines.
  useEffect(() => {
    if (frame.current && follows.current) frame.current.scrollTop = frame.current.scrollHeight;
  }, [data]);
  const look = (): void => {
    const { scrollTop, clientHeight, scrollHeight } = frame.current!;
    follows.current = scrollHeight - scrollTop - clientHeight < NEAR;
  };
  return (
    <section class="module">
      <h3>Log, times in UTC</h3>
      {error === undefined ? null : <p class="note">{`No newer lines: ${error}`}</p>}
      {data?.items.length === 0 ? <p class="note">It has written nothing yet.</p> : null}
      {data && data.items.length > 0 ? (
        <section
          class="log"
          ref={frame}
          onScroll={look}
          aria-label={`Log of ${name}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
          tabIndex={0}
        >
          <ol>
            {data.items.map(({ at, level, message }, i) => (
              <li key={i} class={level}>
                <time>{utc(at)}</time> <span class="level">{level}</span> {message}
              </li>
            ))}
          </ol>
        </section>
      ) : null}
    </section>
  );
}
