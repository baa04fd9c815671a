// SPDX-License-Identifier: BSD-3-Clause
/**
 * Text that came from elsewhere, so that it can be read for what it is.
 *
 * Preact puts strings into the page as text, never as HTML. What is left are characters that cannot be seen and change
 * how the rest reads: those that turn text round, join nothing to nothing, or move a terminal's cursor once copied
 * there. All text of the page goes through {@link visible}, by a hook of Preact's: so no page can forget it.
 *
 * @module
 */
import { type ComponentChildren, options, type VNode } from "preact";

// All control and format characters, and separators of lines and paragraphs, but for what a text file is made of.
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with characters that cannot be seen written as `\u202e`. */
export const visible = (text: string): string =>
  text.replace(
    HIDDEN,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );

function shown(children: ComponentChildren): ComponentChildren {
  if (typeof children === "string") return visible(children);
  return Array.isArray(children) ? children.map(shown) : children;
}

/** Attributes that are read out or shown as text. */
const READ_OUT = ["aria-label", "title", "label", "placeholder"];

/** Let all text of elements that are made from now on be visible. What one types and what is edited stays as it is. */
export function showUntrusted(): void {
  const before = options.vnode;
  options.vnode = (vnode: VNode): void => {
    if (typeof vnode.type === "string") {
      const props = vnode.props as Record<string, unknown>;
      if (props["children"] !== undefined)
        props["children"] = shown(props["children"] as ComponentChildren);
      for (const name of READ_OUT)
        if (typeof props[name] === "string") props[name] = visible(props[name]);
    }
    before?.(vnode);
  };
}
