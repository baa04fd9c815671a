// SPDX-License-Identifier: BSD-3-Clause
import { render } from "preact";
import { App } from "./app.tsx";
import { showUntrusted } from "./untrusted.ts";

showUntrusted();
render(<App />, document.body);
