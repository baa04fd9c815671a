// SPDX-License-Identifier: BSD-3-Clause
/** What is in the image, as SPDX 2.3 in JSON: each package of Debian, each of npm, Bun and Nemean. @module */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Part {
  readonly name: string;
  readonly version: string;
  /** Where it is from: `deb` with its architecture, or `npm`. */
  readonly purl: string;
  readonly licence?: string;
  /** Of the archive that the registry serves, in hexadecimal. */
  readonly sha512?: string;
}

/** Packages that dpkg has installed. */
export const debianParts = (status: string): Part[] =>
  status.split("\n\n").flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}: (.*)$`, "m").exec(stanza)?.[1];
    const name = field("Package");
    if (name === undefined || field("Status") !== "install ok installed") return [];
    const version = field("Version")!;
    const query = `arch=${field("Architecture")}&distro=debian-12`;
    return [
      { name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?${query}` },
    ];
  });

type Entry = readonly [string, string?, { dependencies?: Record<string, string> }?, string?];
interface Lock {
  readonly workspaces: Readonly<Record<string, { dependencies?: Record<string, string> }>>;
  readonly packages: Readonly<Record<string, Entry>>;
}

const TRAILING_COMMA = /,(\s*[\]}])/g;

/** Packages of npm that the product runs with: what bun.lock reaches from its dependencies. */
export function npmParts(lock: string, licenceOf: (name: string) => string | undefined): Part[] {
  const { workspaces, packages }: Lock = JSON.parse(lock.replace(TRAILING_COMMA, "$1"));
  const found = new Map<string, Part>();
  const wanted = Object.values(workspaces).flatMap(({ dependencies }) =>
    Object.keys(dependencies ?? {}),
  );
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const [id, , about, integrity] = packages[name] ?? [];
    if (id === undefined || found.has(id) || id.includes("@workspace:")) continue;
    wanted.push(...Object.keys(about?.dependencies ?? {}));
    const version = id.slice(id.lastIndexOf("@") + 1);
    const licence = licenceOf(name);
    found.set(id, {
      name,
      version,
      purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
      ...(licence === undefined ? {} : { licence }),
      ...(integrity?.startsWith("sha512-")
        ? { sha512: Buffer.from(integrity.slice(7), "base64").toString("hex") }
        : {}),
    });
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The licence that an installed package of npm declares. */
export function declaredLicence(root: string, name: string): string | undefined {
  const file = join(root, "node_modules", name, "package.json");
  if (!existsSync(file)) return undefined;
  const { license }: { license?: unknown } = JSON.parse(readFileSync(file, "utf8"));
  return typeof license === "string" ? license : undefined;
}

const NOT_OF_AN_ID = /[^A-Za-z0-9.-]+/g;
const idOf = ({ purl }: Part): string => `SPDXRef-${purl.replace(NOT_OF_AN_ID, "-")}`;

/** The document: `whole` is the image, which contains the parts. */
export function spdx(whole: Part, parts: readonly Part[], epoch: number): string {
  const all = [whole, ...parts];
  const namespace = new Bun.CryptoHasher("sha256").update(all.map(({ purl }) => purl).join("\n"));
  return `${JSON.stringify(
    {
      spdxVersion: "SPDX-2.3",
      dataLicense: "CC0-1.0",
      SPDXID: "SPDXRef-DOCUMENT",
      name: `${whole.name}-${whole.version}`,
      documentNamespace: `urn:nemean:sbom:${namespace.digest("hex")}`,
      creationInfo: {
        created: new Date(epoch * 1000).toISOString().replace(".000", ""),
        creators: ["Tool: nemean-appliance"],
      },
      documentDescribes: [idOf(whole)],
      packages: all.map((part) => ({
        SPDXID: idOf(part),
        name: part.name,
        versionInfo: part.version,
        downloadLocation: "NOASSERTION",
        filesAnalyzed: false,
        licenseConcluded: "NOASSERTION",
        licenseDeclared: part.licence ?? "NOASSERTION",
        copyrightText: "NOASSERTION",
        ...(part.sha512 === undefined
          ? {}
          : { checksums: [{ algorithm: "SHA512", checksumValue: part.sha512 }] }),
        externalRefs: [
          {
            referenceCategory: "PACKAGE-MANAGER",
            referenceType: "purl",
            referenceLocator: part.purl,
          },
        ],
      })),
      relationships: parts.map((part) => ({
        spdxElementId: idOf(whole),
        relationshipType: "CONTAINS",
        relatedSpdxElement: idOf(part),
      })),
    },
    null,
    1,
  )}\n`;
}
