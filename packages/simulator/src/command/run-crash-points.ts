/** Crash points, one campaign after the other. */

import { campaigns } from "../crash-points/campaigns.ts";
import type { CrashPointsCommand } from "./options.ts";
import { drain, say } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** The exit code. */
export async function runCrashPoints({ subject, quick }: CrashPointsCommand): Promise<number> {
  const chosen = campaigns.filter(({ name }) => subject === undefined || name === subject);
  if (chosen.length === 0)
    throw new UsageError(`crash points of log, checkpoint, blocks or node, not of ${subject}`);
  for (const { name, title, run, ...bounds } of chosen) {
    const startedUs = process.cpuUsage().user;
    const explored = await run(quick ? bounds.quick : bounds.long, drain);
    const { pointsCount, exhaustedCount, outcomesCount, recoveriesCount } = explored;
    say(
      `${name} (${title}): ${pointsCount} crash points, ${exhaustedCount} with every outcome, ` +
        `${outcomesCount} outcomes, ${recoveriesCount} recoveries, ` +
        `${((process.cpuUsage().user - startedUs) / 1e6).toFixed(1)} s of CPU time`,
    );
  }
  return 0;
}
