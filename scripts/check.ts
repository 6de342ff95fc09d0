// What CI runs: the cheap checks first, the tests last. Stops at the first step that fails.
import { spawn } from "node:child_process";

const groupSeeds = "--seeds 200 --ticks 5000 --verify-determinism";

/** Commands of one step run side by side. */
const steps: readonly (readonly [title: string, ...commands: readonly string[]])[] = [
  ["format", "npm run --silent format:check"],
  ["lint", "npm run --silent lint"],
  ["types", "npm run --silent build"],
  ["dependency direction", "npm run --silent deps"],
  ["short simulation, each seed twice", "npm run --silent sim -- --seeds 30 --verify-determinism"],
  [
    "simulated clusters, each seed twice",
    "npm run --silent sim -- --nodes 3 --seeds 20 --verify-determinism",
  ],
  [
    "simulated groups, each seed twice",
    `npm run --silent sim -- --consensus raft ${groupSeeds}`,
    `npm run --silent sim -- --consensus multipaxos ${groupSeeds}`,
  ],
  ["all orders of a small group", "npm run --silent sim -- explore --quick"],
  ["tests", "npm test --silent"],
  ["known bugs put back", "npm run --silent sim:mutants"],
];

for (const [title, ...commands] of steps) {
  const startedMs = performance.now();
  console.log(`check: ${title} (${commands.join(" & ")})`);
  const statuses = await Promise.all(commands.map(run));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (statuses.some((status) => status !== 0)) {
    console.error(`check: ${title} FAILED after ${seconds} s`);
    process.exit(1);
  }
  console.log(`check: ${title} passed in ${seconds} s`);
}

function run(command: string): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  // A process that a signal ended has no code, and has not passed.
  spawn(command, { shell: true, stdio: "inherit" }).on("close", (code) => resolve(code ?? 1));
  return promise;
}
