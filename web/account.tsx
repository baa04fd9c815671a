// SPDX-License-Identifier: BSD-3-Clause
import type { Access, Session } from "./access.ts";
import { post } from "./api.ts";
import { useDoing } from "./ask.tsx";
import { Card, Heading, PasswordField } from "./parts.tsx";
import { Tokens } from "./tokens.tsx";

/** One's own password and API tokens. */
export function OwnAccount({
  access,
  onSession,
}: {
  readonly access: Access;
  readonly onSession: (session: Session) => void;
}) {
  return (
    <>
      <Heading>Your account</Heading>
      {access.kind === "session" ? (
        <>
          <p class="note">{`${access.session.name}, ${access.session.role}`}</p>
          <Password csrf={access.session.csrf} onSession={onSession} />
          <Tokens session={access.session} />
        </>
      ) : (
        <p>There are no accounts here.</p>
      )}
    </>
  );
}

function Password({
  csrf,
  onSession,
}: {
  readonly csrf: string;
  readonly onSession: (session: Session) => void;
}) {
  const { busy, said, run } = useDoing();
  const change = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const body = Object.fromEntries(new FormData(form));
    await run(async () => {
      // The session goes on under another token.
      onSession(await post<Session>("/api/v1/password", body, csrf));
      form.reset();
      return "Your password is changed; your other sessions have ended.";
    });
  };
  return (
    <Card title="Password">
      <form class="filters" onSubmit={change} aria-label="Password">
        <PasswordField name="old" label="Old password" />
        <PasswordField label="New password, 12 characters or more" isNew />
        <button type="submit" disabled={busy}>
          Change password
        </button>
        <span role="status">{said}</span>
      </form>
    </Card>
  );
}
