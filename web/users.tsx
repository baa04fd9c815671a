// SPDX-License-Identifier: BSD-3-Clause
import type { UserInfo } from "../src/control/auth/users.ts";
import { type Access, ROLES, type Session, sessionOf } from "./access.ts";
import { type Body, type Items, patch, post, remove } from "./api.ts";
import { AskButton, useDoing } from "./ask.tsx";
import { utcOf } from "./format.ts";
import { Card, Columns, Heading, PasswordField, Scroll, Trouble, Waiting } from "./parts.tsx";
import { usePoll } from "./use-poll.ts";

const USERS = "/api/v1/users";
const POLL_MS = 10_000;

/** Who may come in, for admins. */
export function Users({ access }: { readonly access: Access }) {
  const admin = sessionOf(access, "admin");
  const polled = usePoll<Items<UserInfo>>(admin ? USERS : null, POLL_MS);
  const { data, error, again } = polled;
  return (
    <>
      <Heading>Users</Heading>
      {admin ? <Waiting on={polled} /> : <p>Admins see who may come in.</p>}
      <Trouble text={error} />
      {data && admin ? <UserTable items={data.items} session={admin} onChanged={again} /> : null}
      {admin ? <NewUser csrf={admin.csrf} onChanged={again} /> : null}
    </>
  );
}

function UserTable({
  items,
  session,
  onChanged,
}: {
  readonly items: readonly UserInfo[];
  readonly session: Session;
  readonly onChanged: () => void;
}) {
  const { busy, said, run } = useDoing();
  const doing = (done: string, work: () => Promise<unknown>): Promise<void> =>
    run(async () => {
      await work();
      onChanged();
      return done;
    });
  return (
    <Card title="Who may come in">
      <p role="status">{said}</p>
      <Scroll label="Users">
        <table class="users rows">
          <Columns names={["Name", "Role", "Since (UTC)", "State", "Change"]} />
          <tbody>
            {items.map((user) => (
              <tr key={user.id}>
                <th scope="row">
                  {user.name}
                  {user.name === session.name ? <span class="note"> (you)</span> : null}
                </th>
                <td>{user.role}</td>
                <td class="time">{utcOf(user.created)}</td>
                <td class={user.disabled ? "bad" : undefined}>
                  {user.disabled ? "locked out" : "may log in"}
                </td>
                <td>
                  <UserButtons user={user} csrf={session.csrf} disabled={busy} doing={doing} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </Card>
  );
}

function UserButtons({
  user: { id, name, role, disabled: isOut },
  csrf,
  disabled,
  doing,
}: {
  readonly user: UserInfo;
  readonly csrf: string;
  readonly disabled: boolean;
  readonly doing: (done: string, work: () => Promise<unknown>) => Promise<void>;
}) {
  const path = `${USERS}/${id}`;
  const change = (done: string, body: Body): Promise<void> =>
    doing(done, () => patch(path, body, csrf));
  return (
    <div class="buttons">
      <AskButton
        label="Change role"
        name={`of ${name}`}
        question={`${name} is ${role} now. Open sessions end with a change.`}
        disabled={disabled}
        onSure={(fields) => change(`${name} has another role.`, { role: fields.get("role") })}
      >
        <RoleField chosen={role} />
      </AskButton>
      <AskButton
        label={isOut ? "Let in" : "Lock out"}
        name={name}
        question={
          isOut
            ? `${name} may log in again.`
            : `${name} cannot log in any more. Open sessions end, and tokens are refused.`
        }
        disabled={disabled}
        onSure={() =>
          change(isOut ? `${name} may log in.` : `${name} is locked out.`, { disabled: !isOut })
        }
      />
      <AskButton
        label="Reset password"
        name={`of ${name}`}
        question={`${name} gets a new password. Open sessions end.`}
        disabled={disabled}
        onSure={(fields) =>
          doing(`${name} has a new password.`, () =>
            post(`${path}/password`, { password: fields.get("password") }, csrf),
          )
        }
      >
        <PasswordField label="New password, 12 characters or more" isNew />
      </AskButton>
      <AskButton
        label="Remove"
        name={name}
        question={`${name} is removed, with sessions and tokens. The audit log keeps the name.`}
        disabled={disabled}
        onSure={() => doing(`${name} is removed.`, () => remove(path, csrf))}
      />
    </div>
  );
}

function RoleField({ chosen }: { readonly chosen: string }) {
  return (
    <label>
      Role
      <select name="role">
        {ROLES.map((each) => (
          <option key={each} value={each} selected={each === chosen}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}

function NewUser({ csrf, onChanged }: { readonly csrf: string; readonly onChanged: () => void }) {
  const { busy, said, run } = useDoing();
  const add = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const body = Object.fromEntries(new FormData(form));
    await run(async () => {
      const { name, role } = await post<UserInfo>(USERS, body, csrf);
      form.reset();
      onChanged();
      return `${name} may log in as ${role}.`;
    });
  };
  return (
    <Card title="Add a user">
      <form class="filters" onSubmit={add} aria-label="Add a user">
        <label>
          Name
          <input name="name" required autocomplete="off" />
        </label>
        <RoleField chosen="viewer" />
        <PasswordField label="Password, 12 characters or more" isNew />
        <button type="submit" disabled={busy}>
          Add
        </button>
        <span role="status">{said}</span>
      </form>
    </Card>
  );
}
