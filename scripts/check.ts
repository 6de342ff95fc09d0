// What CI runs: the cheap checks first, the tests last. Stops at the first step that fails.
import { spawnSync } from "node:child_process";

const steps: readonly (readonly [title: string, command: string])[] = [
  ["format", "npm run --silent format:check"],
  ["lint", "npm run --silent lint"],
  ["types", "npm run --silent build"],
  ["dependency direction", "npm run --silent deps"],
  ["short simulation, each seed twice", "npm run --silent sim -- --seeds 30 --verify-determinism"],
  ["tests", "npm test --silent"],
];

for (const [title, command] of steps) {
  const startedMs = performance.now();
  console.log(`check: ${title} (${command})`);
  const { status } = spawnSync(command, { shell: true, stdio: "inherit" });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (status !== 0) {
    console.error(`check: ${title} FAILED after ${seconds} s`);
    process.exit(1);
  }
  console.log(`check: ${title} passed in ${seconds} s`);
}
