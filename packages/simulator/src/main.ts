/** `npm run sim`: seeds, crash points, all orders of a small group, or partial partitions; see `usage` in command/options.ts. */

import type { Command } from "./command/options.ts";
import { readCommand, usage } from "./command/options.ts";
import { runCrashPoints } from "./command/run-crash-points.ts";
import { runExplore } from "./command/run-explore.ts";
import { runPartitions } from "./command/run-partitions.ts";
import { runSeeds } from "./command/run-seeds.ts";
import { say } from "./command/terminal.ts";
import { UsageError } from "./command/usage-error.ts";

try {
  process.exitCode = await run(readCommand(process.argv.slice(2)));
} catch (error) {
  // What was typed wrong needs no stack.
  if (error instanceof UsageError) say(error.message);
  else say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 2;
}

function run(command: Command): number | Promise<number> {
  switch (command.kind) {
    case "help":
      say(usage);
      return 0;
    case "seeds":
      return runSeeds(command);
    case "crash-points":
      return runCrashPoints(command);
    case "explore":
      return runExplore(command);
    case "partitions":
      return runPartitions(command);
  }
}
