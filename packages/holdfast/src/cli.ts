/** The `holdfast` command. Compiled code is kept between runs, which halves the start. */

import { enableCompileCache } from "node:module";

enableCompileCache();
const { main } = await import("./command-line/main.ts");
await main(process.argv.slice(2));
