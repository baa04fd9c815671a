// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { assert, property, string } from "fast-check";
import { type Hashing, PASSWORD_MAX, Passwords, passwordComplaint } from "./passwords.ts";

const GOOD = "correct horse battery";

test.each<[string, string, string | undefined]>([
  [GOOD, "ann", undefined],
  ["a1b2c3d4e5f", "ann", "has fewer than 12 characters"],
  ["a1b2c3d4e5f6", "ann", undefined],
  // Each of these is one character of two UTF-16 units.
  ["\u{1f600}\u{1f601}\u{1f602}\u{1f603}\u{1f604}\u{1f605}", "ann", "has fewer than 12 characters"],
  ["ab1c".repeat(64), "ann", undefined],
  [`${"ab1c".repeat(64)}d`, "ann", "has more than 256 characters"],
  ["my-ANNabelle-12", "annabelle", "holds the user's name"],
  ["ａｎｎabelle-longer", "annabelle", "holds the user's name"],
  ["a jolly good one", "jo", undefined],
  ["nemean-Nemean-1", "ann", "is little more than the product's name"],
  ["nemeannemean", "ann", "is little more than the product's name"],
  ["aaaaaaaaaaaaaaaa", "ann", "has too few different characters"],
  ["abcabcabcabcabc", "ann", "has too few different characters"],
  ["a lone surrogate \ud800", "ann", "is not valid text"],
])("passwordComplaint of %j for %s is %p", (password, name, complaint) => {
  expect(passwordComplaint(password, name)).toBe(complaint);
});

test("Passwords.hash is argon2id at the cost that is promised, with a salt of its own", async () => {
  const passwords = new Passwords();
  const [one, two] = await Promise.all([passwords.hash(GOOD), passwords.hash(GOOD)]);
  expect(one).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  expect(one).not.toBe(two);
  expect(await passwords.verify(GOOD, one)).toBe("match");
  expect(await passwords.verify(`${GOOD} `, one)).toBe("mismatch");
  expect(await passwords.verify("", one)).toBe("mismatch");
});

test("Passwords tells passwords apart behind a NUL, and knows one typed on another keyboard", async () => {
  const passwords = new Passwords();
  const hash = await passwords.hash("caf\u00e9 au lait\0x");
  expect(await passwords.verify("cafe\u0301 au lait\0x", hash)).toBe("match");
  expect(await passwords.verify("caf\u00e9 au lait\0y", hash)).toBe("mismatch");
});

test("Passwords.verify lets nobody in by a row that holds no hash", async () => {
  const passwords = new Passwords();
  for (const row of [undefined, "", "x", "$argon2id$", GOOD, "$2b$10$"])
    expect(await passwords.verify(GOOD, row)).toBe("mismatch");
});

test("Passwords.verify does the same work for a name that is not there", async () => {
  const seen: string[] = [];
  const passwords = new Passwords({
    hash: async () => "",
    verify: async (_, hash) => {
      seen.push(hash);
      return true;
    },
  });
  // Even a check that says yes lets nobody in without a user.
  expect(await passwords.verify(GOOD, undefined)).toBe("mismatch");
  const real = await new Passwords().hash(GOOD);
  const shape = (hash: string) => hash.split("$").map((part) => part.length);
  expect(shape(seen[0]!)).toEqual(shape(real!));
  expect(seen[0]!.split("$").slice(0, 4)).toEqual(real!.split("$").slice(0, 4));
});

test("Passwords.verify takes about as long for a name that is not there", async () => {
  const passwords = new Passwords();
  const hash = await passwords.hash(GOOD);
  const least = async (of: string | undefined): Promise<number> => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      await passwords.verify("another password", of);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };
  const [known, unknown] = [await least(hash), await least(undefined)];
  expect(unknown / known).toBeGreaterThan(0.5);
  expect(unknown / known).toBeLessThan(2);
});

/** Hashing that ends when the test says so. */
function slowHashing() {
  const ends: ((match: boolean) => void)[] = [];
  let running = 0;
  let most = 0;
  const hashing: Hashing = {
    hash: async () => "hash",
    verify: () => {
      most = Math.max(most, ++running);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      ends.push((match) => {
        running--;
        resolve(match);
      });
      return promise;
    },
  };
  return { hashing, ends, most: () => most };
}

test("Passwords hashes two at a time, 32 wait in order, and the rest is told to come again", async () => {
  const { hashing, ends, most } = slowHashing();
  const passwords = new Passwords(hashing);
  const order: number[] = [];
  const asked = Array.from({ length: 40 }, async (_, i) => {
    const verdict = await passwords.verify(GOOD, "hash");
    if (verdict !== "busy") order.push(i);
    return verdict;
  });
  expect(await Promise.all(asked.slice(34))).toEqual(new Array(6).fill("busy"));
  expect(await passwords.hash(GOOD)).toBeUndefined();
  while (order.length < 34) {
    ends.shift()?.(true);
    await Bun.sleep(0);
  }
  expect(order).toEqual(Array.from({ length: 34 }, (_, i) => i));
  expect(await passwords.hash(GOOD)).toBe("hash");
  const later = Array.from({ length: 6 }, () => passwords.verify(GOOD, "hash"));
  for (let i = 0; i < 6; i++) {
    await Bun.sleep(0);
    ends.shift()?.(true);
  }
  expect(await Promise.all(later)).toEqual(new Array(6).fill("match"));
  expect(most()).toBe(2);
});

test("Passwords goes on after work that failed", async () => {
  const passwords = new Passwords({
    hash: () => Promise.reject(new Error("out of memory")),
    verify: () => Promise.reject(new Error("out of memory")),
  });
  for (let i = 0; i < 5; i++) expect(await passwords.verify(GOOD, "hash")).toBe("mismatch");
  for (let i = 0; i < 5; i++) expect(passwords.hash(GOOD)).rejects.toThrow("out of memory");
});

test("Passwords.verify refuses what no password can be without any work", async () => {
  const passwords = new Passwords({
    hash: async () => "",
    verify: () => Promise.reject(new Error("not to be asked")),
  });
  const long = "x".repeat(10 * PASSWORD_MAX);
  for (const text of ["", long, "\ud800".repeat(20)])
    expect(await passwords.verify(text, "hash")).toBe("mismatch");
});

test("passwordComplaint takes any text", () => {
  assert(
    property(string({ unit: "binary", maxLength: 300 }), string(), (password, name) => {
      const complaint = passwordComplaint(password, name);
      if (complaint === undefined) expect([...password].length).toBeWithin(12, 257);
    }),
    { seed: 2, numRuns: 300 },
  );
});
