/** The `holdfast` command. Compiled code is kept between runs, which halves the start. */

import { enableCompileCache } from "node:module";
import { widenThreadPool } from "./server/thread-pool.ts";

widenThreadPool(process.env);
enableCompileCache();
const { main } = await import("./command-line/main.ts");
await main(process.argv.slice(2));
