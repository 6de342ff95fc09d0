/** References between shards (S5), on the leader of one of them: drops that it owes others, and copies that were cut off. */

import type { ShardId } from "@holdfast/base";
import type { CopiedReference, PendingDrop } from "@holdfast/namespace";
import { copiedReferences, pendingDrops } from "@holdfast/namespace";
import { referenceStatusesQuestion } from "../shard-reads/content-questions.ts";
import type { ShardReplica } from "../shard-replica.ts";
import type { Attempts } from "./attempts.ts";

const dropsPerStep = 200;
const referencesPerStep = 1000;

/** Told in the contents' home shards, then settled here. All that are owed now, in steps: more may come in while they go. */
export async function passDrops(
  shard: ShardReplica,
  shards: readonly ShardReplica[],
  attempts: Attempts,
): Promise<void> {
  while (shard.leads && !attempts.isOver) {
    const drops = pendingDrops(shard.localState, dropsPerStep);
    let settled = 0;
    for (const [home, items] of byHome(drops, ({ content }) => content.home)) {
      const target = shards[home];
      if (target === undefined) continue;
      await attempts.make(async () => {
        const told = items.map(({ content, reference }) => ({ content, reference }));
        await target.propose({ kind: "dropReferences", drops: told });
        await shard.propose({ kind: "settleDrops", sequences: items.map((item) => item.sequence) });
        settled += items.length;
      });
    }
    if (settled < dropsPerStep) return;
  }
}

/** References of copies whose own shard says that none will be committed. */
export async function dropAbandoned(
  shard: ShardReplica,
  shards: readonly ShardReplica[],
  attempts: Attempts,
): Promise<void> {
  let from: Uint8Array | undefined;
  do {
    if (!shard.leads || attempts.isOver) return;
    const { items, next } = copiedReferences(shard.localState, { from, limit: referencesPerStep });
    for (const [home, copied] of byHome(items, ({ reference }) => reference.home)) {
      const destination = shards[home];
      if (destination === undefined) continue;
      await attempts.make(async () => {
        // Behind the look at the references.
        const asked = copied.map(({ reference }) => reference);
        const statuses = await destination.ask(referenceStatusesQuestion, asked);
        const drops = copied.filter((_: CopiedReference, i) => statuses[i] === "gone");
        if (drops.length > 0) await shard.propose({ kind: "dropReferences", drops });
      });
    }
    from = next;
  } while (from !== undefined);
}

function byHome<Item extends CopiedReference | PendingDrop>(
  items: readonly Item[],
  homeOf: (item: Item) => ShardId,
): ReadonlyMap<ShardId, readonly Item[]> {
  return Map.groupBy(items, homeOf);
}
