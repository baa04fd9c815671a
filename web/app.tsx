// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useState } from "preact/hooks";
import { LogIn, Setup } from "./account.tsx";
import { AlertDetail } from "./alert-detail.tsx";
import { Alerts } from "./alerts.tsx";
import {
  type Access,
  accessOf,
  get,
  type Index,
  post,
  type Session,
  STRANGER,
  wordsOf,
} from "./api.ts";
import { Modules } from "./modules.tsx";
import { Overview } from "./overview.tsx";
import { Trouble } from "./parts.tsx";
import { hashOf, PAGES, type PageName, type Place, placeOf } from "./routes.ts";
import { Sinks } from "./sinks.tsx";

const TITLES: Readonly<Record<PageName, string>> = {
  overview: "Overview",
  alerts: "Alerts",
  sinks: "Sinks",
  modules: "Modules",
  setup: "Setup",
  login: "Log in",
};

function usePlace(): Place {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const look = (): void => setPlace(placeOf(location.hash));
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  return place;
}

interface Known {
  readonly index: Index;
  readonly access: Access;
}

export function App() {
  const place = usePlace();
  const [known, setKnown] = useState<Known>();
  const [error, setError] = useState<string>();
  const look = async (): Promise<void> => {
    try {
      const index = await get<Index>("/");
      const access = await accessOf(index);
      // Who comes to a new appliance comes for this; any page named in the address is shown as well.
      if (access.kind === "setup" && location.hash === "") location.hash = hashOf("setup");
      setKnown({ index, access });
    } catch (failure) {
      setError(wordsOf(failure));
    }
  };
  useEffect(() => void look(), []);
  useEffect(() => {
    const forget = (): void =>
      setKnown((before) => before && { ...before, access: { kind: "stranger" } });
    addEventListener(STRANGER, forget);
    return () => removeEventListener(STRANGER, forget);
  }, []);
  useEffect(() => {
    document.title = `${TITLES[place.page]} – Nemean`;
  }, [place.page]);
  if (!known) return <Trouble text={error} />;
  const entered = (session: Session): void => {
    setKnown({ ...known, access: { kind: "session", session } });
    location.hash = hashOf("overview");
  };
  return (
    <>
      <Header page={place.page} access={known.access} onLeft={look} />
      <main>
        <Page place={place} known={known} onEntered={entered} />
      </main>
    </>
  );
}

function Header({
  page,
  access,
  onLeft,
}: {
  readonly page: PageName;
  readonly access: Access;
  readonly onLeft: () => Promise<void>;
}) {
  const pages: PageName[] = access.kind === "stranger" ? ["login"] : [...PAGES];
  if (access.kind === "setup" || access.kind === "open") pages.push("setup");
  return (
    <header>
      <span class="brand">Nemean</span>
      <nav aria-label="Pages of the console">
        {pages.map((name) => (
          <a key={name} href={hashOf(name)} aria-current={name === page ? "page" : undefined}>
            {TITLES[name]}
          </a>
        ))}
      </nav>
      {access.kind === "session" ? <Leave session={access.session} onLeft={onLeft} /> : null}
    </header>
  );
}

function Leave({
  session,
  onLeft,
}: {
  readonly session: Session;
  readonly onLeft: () => Promise<void>;
}) {
  const leave = async (): Promise<void> => {
    // Whoever's session has ended already has left as well.
    await post("/api/v1/logout", undefined, session.csrf).catch(() => undefined);
    await onLeft();
  };
  return (
    <span class="who">
      {session.name} ({session.role}){" "}
      <button type="button" onClick={leave}>
        Log out
      </button>
    </span>
  );
}

function Page({
  place: { page, id, query },
  known: { index, access },
  onEntered,
}: {
  readonly place: Place;
  readonly known: Known;
  readonly onEntered: (session: Session) => void;
}) {
  if (access.kind === "stranger") return <LogIn onEntered={onEntered} />;
  switch (page) {
    case "alerts":
      return id === undefined ? (
        <Alerts query={query} />
      ) : (
        <AlertDetail key={id} id={id} access={access} />
      );
    case "sinks":
      return <Sinks path={index.sinks} access={access} />;
    case "modules":
      return <Modules />;
    case "setup":
      return <Setup access={access} onEntered={onEntered} />;
    default:
      return <Overview />;
  }
}
