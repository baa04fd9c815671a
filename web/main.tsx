// SPDX-License-Identifier: BSD-3-Clause
import { render } from "preact";
import { App } from "./app.tsx";

render(<App />, document.body);
