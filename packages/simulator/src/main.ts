/** `npm run sim`: seeds, or crash points; see `usage` in command/options.ts. */

import { readCommand } from "./command/options.ts";
import { runCrashPoints } from "./command/run-crash-points.ts";
import { runSeeds } from "./command/run-seeds.ts";
import { say } from "./command/terminal.ts";

try {
  const command = readCommand(process.argv.slice(2));
  process.exitCode = command.kind === "seeds" ? await runSeeds(command) : await runCrashPoints(command);
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
}
