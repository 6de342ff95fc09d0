/** From two sides to the files that have to be copied, as both are listed. */

import { UsageError } from "../command-line/failure.ts";
import { folderPrefix, locationText } from "../command-line/location.ts";
import type { PlannedItem } from "./job.ts";
import { mergeSides } from "./merge-sides.ts";
import type { NameFilter } from "./name-filter.ts";
import { placeBelow } from "./place-below.ts";
import type { FileLocation } from "./plan.ts";
import type { SyncPlaces } from "./sync-difference.ts";
import { isDifferent, isDifferentContent } from "./sync-difference.ts";
import type { SideEntry, SideFile, SideOptions } from "./sync-side.ts";

export interface SyncPlan extends SyncPlaces {
  readonly sources: (options: SideOptions) => AsyncIterable<SideEntry>;
  readonly targets: (options: SideOptions) => AsyncIterable<SideEntry>;
  readonly followSymlinks: boolean;
  readonly checksum: boolean;
  readonly filter: NameFilter;
  /** Told of every entry of the source, excluded ones too. */
  readonly onSource?: () => void;
}

/** `unchanged` files are told of, so that they can be counted. */
export async function* planSync(plan: SyncPlan): AsyncGenerator<PlannedItem> {
  for await (const { source, target } of mergeSides(plan.sources(plan), plan.targets(plan))) {
    plan.signal.throwIfAborted();
    if (source !== undefined) plan.onSource?.();
    const entry = source ?? (target?.kind === "failed" ? target : undefined);
    if (entry === undefined || !plan.filter(entry.relative)) continue;
    if (entry.kind === "failed") yield { kind: "failed", about: entry.path, error: entry.error };
    else if (entry.kind === "skipped") yield { kind: "skipped", what: entry.what, path: entry.path };
    else yield await planFile(entry, target?.kind === "file" ? target : undefined, plan);
  }
}

async function planFile(
  source: SideFile,
  target: SideFile | undefined,
  plan: SyncPlan,
): Promise<PlannedItem> {
  try {
    if (target !== undefined) {
      const differs = plan.checksum
        ? await isDifferentContent(source, target, plan)
        : isDifferent(source, target);
      if (!differs) return { kind: "unchanged" };
    }
    return jobFor(
      placeBelow(plan.source, source.relative),
      placeBelow(plan.target, source.relative),
      source.bytes,
    );
  } catch (error) {
    if (plan.signal.aborted) throw error;
    return { kind: "failed", about: source.relative, error };
  }
}

function jobFor(from: FileLocation, to: FileLocation, bytes: number): PlannedItem {
  if (from.kind === "local") {
    if (to.kind === "local")
      throw new UsageError("one of source and target lies in the store: name it hf://bucket/key");
    return { kind: "upload", path: from.path, to, bytes };
  }
  if (to.kind === "remote") return { kind: "copy", from, to, bytes };
  return { kind: "download", from, path: to.path, bytes };
}

/** One below the other would be copied into itself, or removed as what the source lacks. */
export function refuseNested(source: FileLocation, target: FileLocation): void {
  if (source.kind !== "remote" || target.kind !== "remote" || source.bucket !== target.bucket) return;
  const [one, other] = [folderPrefix(source.key), folderPrefix(target.key)];
  if (one.startsWith(other) || other.startsWith(one))
    throw new UsageError(`${locationText(source)} and ${locationText(target)} lie one in the other`);
}
