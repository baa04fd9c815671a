// SPDX-License-Identifier: BSD-3-Clause
/** The pages that let somebody in. @module */
import { useState } from "preact/hooks";
import type { Access, Session } from "./access.ts";
import { post, wordsOf } from "./api.ts";
import { Heading, Trouble } from "./parts.tsx";

interface FieldOf {
  readonly name: string;
  readonly label: string;
  readonly secret?: boolean;
  readonly autocomplete: string;
  readonly minLength?: number;
}

const NAME: FieldOf = { name: "name", label: "Name", autocomplete: "username" };
const OLD: FieldOf = {
  name: "password",
  label: "Password",
  secret: true,
  autocomplete: "current-password",
};
const TOKEN: FieldOf = { name: "token", label: "Setup token", autocomplete: "off" };
const NEW: FieldOf = {
  ...OLD,
  label: "Password, 12 characters or more",
  autocomplete: "new-password",
  minLength: 12,
};

type Entered = (session: Session) => void;

export function LogIn({ onEntered }: { readonly onEntered: Entered }) {
  return (
    <>
      <Heading>Log in</Heading>
      <Form path="/api/v1/login" fields={[NAME, OLD]} submit="Log in" onEntered={onEntered} />
    </>
  );
}

/** The first admin of a new appliance. */
export function Setup({
  access,
  onEntered,
}: {
  readonly access: Access;
  readonly onEntered: Entered;
}) {
  if (access.kind === "open")
    return (
      <>
        <Heading>Setup</Heading>
        <p>This is a demo without accounts: everything can be seen, and nothing is to be set up.</p>
      </>
    );
  if (access.kind !== "setup")
    return (
      <>
        <Heading>Setup</Heading>
        <p>Setup is done: there is an admin.</p>
      </>
    );
  return (
    <>
      <Heading>Setup</Heading>
      <p>
        Make the first admin. The token was shown where <code>nemean up</code> was started, and is
        good once.
      </p>
      <Form
        path="/api/v1/setup"
        fields={[TOKEN, NAME, NEW]}
        submit="Make admin"
        onEntered={onEntered}
      />
    </>
  );
}

function Form({
  path,
  fields,
  submit,
  onEntered,
}: {
  readonly path: string;
  readonly fields: readonly FieldOf[];
  readonly submit: string;
  readonly onEntered: Entered;
}) {
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const entries = [...new FormData(event.currentTarget as HTMLFormElement)];
    const body = Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
    setBusy(true);
    setError(undefined);
    try {
      onEntered(await post<Session>(path, body));
    } catch (failure) {
      setError(wordsOf(failure));
      setBusy(false);
    }
  };
  return (
    <form class="account" onSubmit={send}>
      {fields.map(({ name, label, secret = false, autocomplete, minLength = 1 }) => (
        <label key={name} htmlFor={name}>
          {label}
          {secret ? (
            <input id={name} type="password" required {...{ name, autocomplete, minLength }} />
          ) : (
            <input id={name} required {...{ name, autocomplete, minLength }} />
          )}
        </label>
      ))}
      <button type="submit" class="sure" disabled={busy}>
        {submit}
      </button>
      <Trouble text={error} />
    </form>
  );
}
