// SPDX-License-Identifier: BSD-3-Clause
import { useState } from "preact/hooks";
import { type Access, type Paths, type Session, sessionOf } from "./access.ts";
import { post, type SinkPage, type SinkTest, wordsOf } from "./api.ts";
import { count, utcOf } from "./format.ts";
import { Card, Figure, Heading, Trouble, Waiting } from "./parts.tsx";
import { usePoll } from "./use-poll.ts";

const SINKS = "/api/v1/sinks";
const POLL_MS = 2000;

/** Receivers of alerts: how far each has got, and a way to try one. */
export function Sinks({ access, paths }: { readonly access: Access; readonly paths: Paths }) {
  const hasSinks = paths.has(SINKS);
  const session = sessionOf(access, "operator");
  const polled = usePoll<SinkPage>(hasSinks && session ? SINKS : null, POLL_MS);
  const { data, error } = polled;
  return (
    <>
      <Heading>Sinks</Heading>
      <Trouble text={error} />
      {hasSinks ? null : (
        <p>No sinks are configured: alerts stay in the store. A [sinks.NAME] table adds one.</p>
      )}
      {hasSinks && !session ? <p>Operators and admins see where alerts are sent.</p> : null}
      {hasSinks && session ? <Waiting on={polled} /> : null}
      {data?.queue.state === "failed" ? (
        <Trouble text={`Delivery queue: ${data.queue.reason ?? "failed"}`} />
      ) : null}
      {data?.items.map((sink) => (
        <SinkCard key={sink.name} sink={sink} session={session} />
      ))}
    </>
  );
}

function SinkCard({
  sink,
  session,
}: {
  readonly sink: SinkPage["items"][number];
  readonly session: Session | undefined;
}) {
  const { name, state, waiting, delivered, dropped, dead, lastError, lastErrorAt } = sink;
  const at = lastErrorAt === null ? "" : ` (${utcOf(lastErrorAt)} UTC)`;
  return (
    <Card title={name}>
      <div class="figures">
        <Figure label="State" value={state} bad={state === "waiting"} />
        <Figure label="Waiting" value={count(waiting)} />
        <Figure label="Delivered" value={count(delivered)} />
        <Figure label="Dropped" value={count(dropped)} bad={dropped > 0} />
        <Figure label="Refused" value={count(dead)} bad={dead > 0} />
      </div>
      {lastError === null ? null : <p>{`Last error: ${lastError}${at}`}</p>}
      {session ? <TestButton name={name} csrf={session.csrf} /> : null}
    </Card>
  );
}

const verdict = ({ accepted, refused, failure }: SinkTest): string => {
  if (accepted > 0) return "The receiver has the test alert.";
  return refused === undefined
    ? `Not sent: ${failure ?? "no reason given"}`
    : `Refused: ${refused}`;
};

function TestButton({ name, csrf }: { readonly name: string; readonly csrf: string }) {
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    setBusy(true);
    const path = `/api/v1/sinks/${encodeURIComponent(name)}/test`;
    try {
      setSaid(verdict(await post<SinkTest>(path, undefined, csrf)));
    } catch (error) {
      setSaid(wordsOf(error));
    }
    setBusy(false);
  };
  return (
    <p>
      <button type="button" onClick={send} disabled={busy}>
        Send test alert
      </button>{" "}
      <span role="status">{said}</span>
    </p>
  );
}
