// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useState } from "preact/hooks";
import type { Access, Paths, Session } from "./access.ts";
import { post } from "./api.ts";
import { hashOf, type PageName, pagesFor, TITLES } from "./routes.ts";

/** Name of the product, pages, who one is. On a small screen the pages are behind a button. */
export function Header({
  page,
  access,
  paths,
  onLeft,
}: {
  readonly page: PageName;
  readonly access: Access;
  readonly paths: Paths;
  readonly onLeft: () => Promise<void>;
}) {
  const [isOpen, setOpen] = useState(false);
  // Another page was chosen.
  useEffect(() => setOpen(false), [page]);
  return (
    <header>
      <button type="button" class="skip" onClick={() => document.querySelector("h1")?.focus()}>
        To the content
      </button>
      <span class="brand">Nemean</span>
      <button
        type="button"
        class="menu"
        aria-expanded={isOpen}
        aria-controls="pages"
        onClick={() => setOpen(!isOpen)}
      >
        Menu
      </button>
      <nav id="pages" class={isOpen ? "open" : ""} aria-label="Pages of the console">
        {pagesFor(access, paths).map((name) => (
          <a key={name} href={hashOf(name)} aria-current={name === page ? "page" : undefined}>
            {TITLES[name]}
          </a>
        ))}
      </nav>
      {access.kind === "session" ? (
        <Who session={access.session} page={page} onLeft={onLeft} />
      ) : null}
    </header>
  );
}

function Who({
  session: { name, role, csrf },
  page,
  onLeft,
}: {
  readonly session: Session;
  readonly page: PageName;
  readonly onLeft: () => Promise<void>;
}) {
  const leave = async (): Promise<void> => {
    // Whoever's session has ended already has left as well.
    await post("/api/v1/logout", undefined, csrf).catch(() => undefined);
    await onLeft();
  };
  return (
    <span class="who">
      <a href={hashOf("account")} aria-current={page === "account" ? "page" : undefined}>
        {`${name} (${role})`}
      </a>
      <button type="button" onClick={leave}>
        Log out
      </button>
    </span>
  );
}
