/** Where the time of a CPU profile went: the time that each function was on top of the stack, added up. */

import type { Profiler } from "node:inspector";

/** Less than this is not listed. */
const listedMicrosMin = 0.3;

export type Owner = "package" | "function";

/** A line for each owner of some time, the largest first: microseconds for each of so many operations. */
export function printSelfTime(profile: Profiler.Profile, operations: number, by: Owner): void {
  const rows = [...selfTimes(profile, by === "function" ? functionOf : ownerOf)].sort(
    ([, a], [, b]) => b - a,
  );
  for (const [owner, micros] of rows) {
    const each = micros / operations;
    if (each >= listedMicrosMin) console.log(`${each.toFixed(1).padStart(8)} us  ${owner}`);
  }
}

function selfTimes(
  profile: Profiler.Profile,
  nameOf: (frame: Profiler.ProfileNode["callFrame"]) => string,
): ReadonlyMap<string, number> {
  const micros = new Map<number, number>();
  for (const [i, id] of (profile.samples ?? []).entries())
    micros.set(id, (micros.get(id) ?? 0) + (profile.timeDeltas?.[i] ?? 0));
  const sums = new Map<string, number>();
  for (const { id, callFrame } of profile.nodes) {
    const name = nameOf(callFrame);
    sums.set(name, (sums.get(name) ?? 0) + (micros.get(id) ?? 0));
  }
  return sums;
}

/** By package of ours or npm's; what Node runs in its own JavaScript is "node", native functions go by their names. */
function ownerOf({ url, functionName }: Profiler.ProfileNode["callFrame"]): string {
  if (url.startsWith("node:")) return "node (its JavaScript)";
  const ours = /\/packages\/([^/]+)\//.exec(url)?.[1];
  if (ours !== undefined) return ours;
  const others = /\/node_modules\/([^/]+)\//.exec(url)?.[1];
  if (others !== undefined) return others;
  return functionName === "" ? "(native functions without a name)" : functionName;
}

function functionOf(frame: Profiler.ProfileNode["callFrame"]): string {
  const file = /[^/]*$/.exec(frame.url)?.[0] ?? "";
  return `${ownerOf(frame)} ${file}:${frame.lineNumber + 1} ${frame.functionName}`;
}
