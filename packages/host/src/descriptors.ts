/**
 * How many files and sockets this process may have open, and how many of them may be connections. What connections took
 * the log could not have: a store that cannot open its next segment or volume takes no writes, however few clients wait.
 */

import { readFile } from "node:fs/promises";

/** The log's segments, the stores, the threads, and the volumes that are read from (64 of them at most, twice each). */
const keptDescriptors = 192;
/** Below this there is no sense in starting. */
const connectionsMin = 32;

/** Undefined where the system does not say, or sets no limit. Node raises the soft limit to the hard one when it starts. */
export async function descriptorLimit(): Promise<number | undefined> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

/** The least limit that a server starts with. */
export const descriptorLimitMin: number = keptDescriptors + connectionsMin;

/** How many connections a listener may have that gets this part (0 to 1) of what the process can spare. */
export function connectionsWithin(limit: number | undefined, part: number): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(1, Math.floor((limit - keptDescriptors) * part));
}
