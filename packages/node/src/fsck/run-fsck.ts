/**
 * Checks everything on this node against everything else, reading only, in slices between which the store goes on. In a cluster:
 * the files of the shards that have a replica here, and the blocks that by the layout should be here.
 *
 *   state        checksums and digest of every group (S12)
 *   files        version -> content that lives, holds its reference, and has its length and ETag (S5)
 *   references   reference -> version, and destinations of copies, asked linearizably (S5)
 *   contents     content, uploaded part -> every block, with length and checksums; every byte with `deep` (S1)
 *   blocks       block -> record that names it, or on its way out (S4)
 *
 * Under load two looks at two places see two moments. A finding is reported only when a second, linearizable look shows
 * that it held; each place says why that look suffices.
 *
 * Memory is bounded by the slices; time is one walk over everything, and one more over the files for each 100,000
 * references.
 */

import { StoreError } from "@holdfast/base";
import { StateCorruptError } from "@holdfast/state";
import type { ShardReplica } from "../shard-replica.ts";
import { checkContents } from "./check-contents.ts";
import { checkFiles } from "./check-files.ts";
import { checkReferences } from "./check-references.ts";
import { checkState } from "./check-state.ts";
import { checkStrayBlocks } from "./check-stray-blocks.ts";
import type { FsckEvent, FsckOptions } from "./findings.ts";
import type { InspectionParts } from "./inspection.ts";
import { Inspection } from "./inspection.ts";

/** The last event is the summary. BucketNotFound, Stopped. */
export async function* runFsck(
  parts: InspectionParts,
  options: FsckOptions = {},
): AsyncGenerator<FsckEvent, void, undefined> {
  const { deep = false, within, signal } = options;
  const inspection = new Inspection(parts, deep, signal);
  const events = within === undefined ? checkAll(inspection) : checkWithin(inspection, within);
  for await (const event of events) {
    if (event.kind === "problem") inspection.countProblem();
    yield event;
  }
  yield inspection.summary();
}

async function* checkAll(inspection: Inspection): AsyncGenerator<FsckEvent, void, undefined> {
  yield* checkState(inspection);
  for (const check of [checkFiles, checkReferences, checkContents])
    for (const shard of inspection.shardsHere) yield* readable(inspection, check(inspection, shard), shard);
  yield* readable(inspection, checkStrayBlocks(inspection));
}

async function* checkWithin(
  inspection: Inspection,
  { bucket: name, prefix }: { readonly bucket: string; readonly prefix: string },
): AsyncGenerator<FsckEvent, void, undefined> {
  const { directory, shards } = inspection.parts;
  const bucket = await directory.readable(name);
  for (const id of directory.shardsOf(bucket)) {
    const shard: ShardReplica | undefined = shards[id];
    if (shard?.isHere === true)
      yield* readable(inspection, checkFiles(inspection, shard, { bucket, prefix }), shard);
  }
}

/** Damage in the state ends a stage for this shard, not the check; and so does its leaving this node. */
async function* readable(
  inspection: Inspection,
  events: AsyncGenerator<FsckEvent, void, undefined>,
  shard?: ShardReplica,
): AsyncGenerator<FsckEvent, void, undefined> {
  try {
    yield* events;
  } catch (error) {
    if (error instanceof StoreError && error.code === "Unavailable" && shard?.isHere === false) return;
    if (!(error instanceof StateCorruptError)) throw error;
    yield inspection.damagedState(error.group);
  }
}
