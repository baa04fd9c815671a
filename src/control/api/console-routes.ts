// SPDX-License-Identifier: BSD-3-Clause
/** The routes of the console: three files, for anybody; what they show is asked of the API. @module */
import type { ConsoleAssets } from "./console-build.ts";
import type { Operation } from "./openapi.ts";
import { answer } from "./problem.ts";

/** The page takes all it needs from here, runs no script and no style that is written into it, and is in no frame. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Files of the console by path: which of its parts, and its media type. */
const FILES: Readonly<Record<string, readonly [keyof ConsoleAssets, `text/${string}`]>> = {
  "/console": ["html", "text/html"],
  "/console/app.js": ["js", "text/javascript"],
  "/console/app.css": ["css", "text/css"],
};

export const CONSOLE_PATHS = Object.keys(FILES);

export const CONSOLE_OPERATIONS: Readonly<Record<string, Operation>> = Object.fromEntries(
  Object.entries(FILES).map(([path, [part, type]]) => [
    `GET ${path}`,
    {
      needs: "public",
      operationId: `getConsole${part[0]!.toUpperCase()}${part.slice(1)}`,
      summary: `The console's ${part === "html" ? "page" : type}.`,
      answers: type,
    },
  ]),
);

/** One of the console's files. The first browser that asks waits for the build, which takes a moment from source. */
export async function consoleFile(path: string): Promise<Response> {
  const [part, type] = FILES[path]!;
  const { CONSOLE } = await import("./console-assets.ts");
  const response = answer(CONSOLE[part], `${type}; charset=utf-8`);
  response.headers.set("content-security-policy", CSP);
  return response;
}

/** Whether a page is asked for, as browsers do, and not data. */
export const wantsPage = (request: Request): boolean =>
  (request.headers.get("accept") ?? "").includes("text/html");

/** To the console. */
export const toConsole = (): Response =>
  new Response(null, {
    status: 302,
    headers: { location: "/console", "cache-control": "no-store" },
  });
