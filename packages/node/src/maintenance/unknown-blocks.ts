/**
 * All blocks on this node, held against their home shards (S4): what no record knows and none ever will is erased. The home shard
 * decides, by linearizable read, wherever it is; never the age of a block. This is the authority: whatever else collects only
 * comes sooner.
 */

import type { ContentId, ShardId } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import type { Clock } from "@holdfast/ports";
import { turn } from "@holdfast/ports";
import { streamStatusesQuestion } from "../shard-reads/content-questions.ts";
import type { ShardReads } from "../shard-reads/shard-question.ts";
import type { Attempts } from "./attempts.ts";

/** Before requests have their turn. */
const streamsPerStep = 50;

export interface UnknownBlocksParts {
  readonly shards: readonly ShardReads[];
  readonly blocks: Pick<BlockStore, "contents">;
  readonly erase: (stream: ContentId) => Promise<void>;
  readonly clock: Clock;
}

export async function eraseUnknown(parts: UnknownBlocksParts, attempts: Attempts): Promise<void> {
  const { blocks, erase, clock } = parts;
  /** Shards that could not be asked: their blocks wait for the next scan. */
  const silent = new Set<ShardId>();
  let after: ContentId | undefined;
  for (;;) {
    if (attempts.isOver) return;
    const streams = blocks.contents(after, streamsPerStep);
    for (const [home, ofHome] of Map.groupBy(streams, (stream) => stream.home)) {
      const shard = parts.shards[home];
      if (shard === undefined || silent.has(home)) continue;
      const isAsked = await attempts.make(async () => {
        // Behind the listing: what was not committed then and cannot be now never will be.
        const statuses = await shard.ask(streamStatusesQuestion, ofHome);
        await Promise.all(ofHome.filter((_, i) => statuses[i] === "garbage").map(erase));
      });
      if (!isAsked) silent.add(home);
    }
    after = streams.at(-1);
    if (after === undefined) return;
    // While nothing is garbage nothing above waits for the disk: a scan of all blocks must not hold up requests.
    await turn(clock);
  }
}
