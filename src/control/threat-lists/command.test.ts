// SPDX-License-Identifier: BSD-3-Clause
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "nemean-lists-command-"));
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: ({ url }) =>
    url.endsWith("/ip.csv")
      ? new Response("id,dst\n1,203.0.113.7\n2,203.0.113.8\n")
      : new Response("", { status: 404 }),
});
afterAll(async () => {
  await server.stop(true);
  rmSync(folder, { recursive: true });
});

/** The command by itself, without the others of the command line. */
const SCRIPT = `
  import { Command } from "commander";
  import { listsCommand } from "${join(import.meta.dir, "../cli/lists.ts")}";
  import { sayFailure } from "${join(import.meta.dir, "../cli/terminal.ts")}";
  const program = new Command("nemean");
  const status = { code: 0 };
  listsCommand(program, status);
  try {
    await program.parseAsync(process.argv.slice(1), { from: "user" });
  } catch (error) {
    status.code = sayFailure(error);
  }
  process.exitCode = status.code;
`;

/** The server of this process answers meanwhile. */
async function lists(...args: readonly string[]) {
  const command = [process.execPath, "-e", SCRIPT, "lists", ...args];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", cwd: import.meta.dir });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe("nemean lists", () => {
  test("lists check says what each detector makes of a file, and where it is bad", async () => {
    const path = file("mixed.txt", "203.0.113.7\n203.0.113.8\nevil.example\u001b[2J\n");
    expect(await lists("check", path)).toEqual({
      code: 0,
      out: 'ip: 2 entries, 1 bad lines; line 3: "evil.example\\u001b[2J" is no address\nurl: 2 entries, 1 bad lines; line 3: "evil.example\\u001b[2J" is no URL\n',
      err: "",
    });
    expect(await lists("check", path, "--kind", "domain")).toMatchObject({
      code: 65,
      out: expect.stringContaining(
        "domain: no list of this kind, 3 bad lines; line 1: 3 bad lines, 0 good ones",
      ),
    });
    expect((await lists("check", path, "--format", "json")).out).toContain("is no JSON");
    expect((await lists("check", join(folder, "none"))).code).toBe(66);
  });

  test("lists update fetches what is due, and show tells how old it is and what to set", async () => {
    const url = (path: string): string => `http://127.0.0.1:${server.port}/${path}`;
    const more = 'kind = "ip"\ninsecure = true\ninternal = true\ncolumn = "dst"\n';
    file(
      "lists.toml",
      `[[lists]]\nname = "feodo"\nurl = "${url("ip.csv")}"\n${more}[[lists]]\nname = "gone"\nurl = "${url("gone.csv")}"\n${more}`,
    );
    const data = ["--data", folder] as const;
    expect(await lists("update", "feodo", ...data)).toEqual({
      code: 0,
      out: "",
      err: "feodo: new: 2 entries\n",
    });
    const again = await lists("update", ...data);
    expect(again.code).toBe(69);
    expect(again.err).toMatch(
      /^feodo: due: due in \d+ s\ngone: failed: 127\S+ answered 404; there is no list yet\n$/,
    );
    expect((await lists("update", "feodo", "--now", ...data)).err).toBe("feodo: new: 2 entries\n");
    expect(await lists("show", ...data)).toEqual({
      code: 0,
      out:
        "feodo  ip  0 min old, 2 entries\ngone  ip  not fetched yet\n" +
        `ipblacklist.lists = "feodo=${folder}/lists/feodo.csv;column=dst,gone=${folder}/lists/gone.csv;column=dst"\n`,
      err: "",
    });
    expect(await lists("update", "other", ...data)).toMatchObject({
      code: 64,
      err: "nemean: no list is called other; there are feodo, gone\n",
    });
  });

  test("lists update says what is wrong with the definitions", async () => {
    const { code, err } = await lists(
      "update",
      "--definitions",
      join(folder, "none.toml"),
      "--data",
      folder,
    );
    expect([code, err]).toEqual([78, expect.stringContaining("none.toml: ENOENT")]);
  });
});
