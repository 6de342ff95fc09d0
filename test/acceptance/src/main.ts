import { realInput } from "./real-input.ts";
import { startUp } from "./start-up.ts";
import { transfers } from "./transfers.ts";

const runs: Readonly<Record<string, () => Promise<boolean>>> = {
  "real-input": realInput,
  "start-up": startUp,
  transfers,
};

const name = process.argv[2] ?? "";
const run = Object.hasOwn(runs, name) ? runs[name] : undefined;
if (run === undefined) {
  console.error(`usage: npm run acceptance -- NAME, with NAME one of: ${Object.keys(runs).join(", ")}`);
  process.exitCode = 2;
} else if (!(await run())) process.exitCode = 1;
