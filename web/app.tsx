// SPDX-License-Identifier: BSD-3-Clause
import { useEffect, useState } from "preact/hooks";
import { type Access, accessOf, type Paths, pathsOf, type Session } from "./access.ts";
import { OwnAccount } from "./account.tsx";
import { AlertDetail } from "./alert-detail.tsx";
import { Alerts } from "./alerts.tsx";
import { STRANGER, wordsOf } from "./api.ts";
import { Audit } from "./audit.tsx";
import { Configuration } from "./configuration.tsx";
import { LogIn, Setup } from "./enter.tsx";
import { Header } from "./header.tsx";
import { Overview } from "./overview.tsx";
import { Trouble } from "./parts.tsx";
import { Pipeline } from "./pipeline.tsx";
import { hashOf, type Place, placeOf, TITLES } from "./routes.ts";
import { Sinks } from "./sinks.tsx";
import { Users } from "./users.tsx";

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
  readonly paths: Paths;
  readonly access: Access;
}

export function App() {
  const place = usePlace();
  const [known, setKnown] = useState<Known>();
  const [error, setError] = useState<string>();
  const look = async (): Promise<void> => {
    try {
      const paths = await pathsOf();
      const access = await accessOf(paths);
      // Who comes to a new appliance comes for this; any page named in the address is shown as well.
      if (access.kind === "setup" && location.hash === "") location.hash = hashOf("setup");
      setKnown({ paths, access });
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
  const page = known?.access.kind === "stranger" ? "login" : place.page;
  useEffect(() => {
    document.title = `${TITLES[page]} – Nemean`;
  }, [page]);
  if (!known)
    return (
      <main>{error === undefined ? <p class="note">Loading …</p> : <Trouble text={error} />}</main>
    );
  const onSession = (session: Session): void =>
    setKnown({ ...known, access: { kind: "session", session } });
  return (
    <>
      <Header page={page} {...known} onLeft={look} />
      <main>
        <Page place={place} {...known} onSession={onSession} />
      </main>
    </>
  );
}

function Page({
  place: { page, id, query },
  paths,
  access,
  onSession,
}: Known & {
  readonly place: Place;
  readonly onSession: (session: Session) => void;
}) {
  const enter = (session: Session): void => {
    onSession(session);
    // Whoever came for a page gets it.
    if (page === "login" || page === "setup") location.hash = hashOf("overview");
  };
  if (access.kind === "stranger") return <LogIn onEntered={enter} />;
  switch (page) {
    case "alerts":
      return id === undefined ? (
        <Alerts query={query} />
      ) : (
        <AlertDetail key={id} id={id} access={access} paths={paths} />
      );
    case "pipeline":
      return <Pipeline query={query} access={access} paths={paths} />;
    case "sinks":
      return <Sinks access={access} paths={paths} />;
    case "configuration":
      return <Configuration access={access} />;
    case "users":
      return <Users access={access} />;
    case "audit":
      return <Audit query={query} access={access} />;
    case "account":
      return <OwnAccount access={access} onSession={onSession} />;
    case "setup":
      return <Setup access={access} onEntered={enter} />;
    default:
      return <Overview />;
  }
}
