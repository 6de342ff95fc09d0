/** `npm run bad-days -- NAME`: what needs root, or more than the usual limits, and is too long for `npm test`. */

import { connections } from "./runs/connections.ts";
import { diskFull } from "./runs/disk-full.ts";

const runs: Readonly<Record<string, () => Promise<void>>> = { connections, "disk-full": diskFull };

const name = process.argv[2] ?? "";
const run = Object.hasOwn(runs, name) ? runs[name] : undefined;
if (run === undefined) {
  console.error(`usage: npm run bad-days -- NAME, with NAME one of: ${Object.keys(runs).join(", ")}`);
  process.exitCode = 2;
} else {
  try {
    await run();
    console.log(`${name}: passed`);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
}
