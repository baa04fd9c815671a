// SPDX-License-Identifier: BSD-3-Clause
import { expect, test } from "bun:test";
import { createElement, options } from "preact";
import { showUntrusted, visible } from "./untrusted.ts";

test("visible writes what cannot be seen, and leaves what a text is made of", () => {
  expect(visible("txt\u202eexe\u001b[2J\u200b\u2028\u0000")).toBe(
    "txt\\u202eexe\\u001b[2J\\u200b\\u2028\\u0000",
  );
  const text = "a\tb\nč 漢 😀 1\u202f000";
  expect(visible(text)).toBe(text);
});

test("showUntrusted lets all text of elements be visible, however deep, and no value", () => {
  const before = options.vnode;
  try {
    showUntrusted();
    const bad = "a\u202eb";
    const { props } = createElement("p", { title: bad, "data-x": bad }, bad, [bad, [bad, 7]]);
    const good = "a\\u202eb";
    expect(props).toMatchObject({
      title: good,
      "data-x": bad,
      children: [good, [good, [good, 7]]],
    });
    expect(createElement("textarea", { value: bad, children: [] }).props).toEqual({
      value: bad,
      children: [],
    });
  } finally {
    if (before) options.vnode = before;
    else Reflect.deleteProperty(options, "vnode");
  }
});
