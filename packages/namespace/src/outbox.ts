/**
 * References to contents of other shards that were dropped here. Each stays until its content's home shard has applied the
 * drop (at least once; dropping is idempotent, S5). Sequence numbers are never used again.
 */

import type { Codec, ContentId } from "@holdfast/base";
import { contentIdCodec, decode, encode, integer, record, versioned } from "@holdfast/base";
import type { StateReader, StateWriter } from "@holdfast/ports";
import type { EntryScope } from "./entry-scope.ts";
import { pairsUnder } from "./key-ranges.ts";
import { lastNumber, numbersKey, outboxEndKey, outboxKey, tables } from "./state-keys.ts";

export interface OutboxItem {
  readonly content: ContentId;
  readonly reference: ContentId;
}

export const outboxItemCodec: Codec<OutboxItem> = versioned(
  1,
  record({ content: contentIdCodec, reference: contentIdCodec }),
);

export interface PendingDrop extends OutboxItem {
  readonly sequence: number;
}

/** The oldest drops that are not settled. */
export function pendingDrops(state: StateReader, limit: number): readonly PendingDrop[] {
  const drops: PendingDrop[] = [];
  for (const { key, value } of pairsUnder(state, numbersKey(tables.outbox), limit)) {
    drops.push({ sequence: lastNumber(key), ...decode(outboxItemCodec, value) });
  }
  return drops;
}

export function enqueueDrop({ state }: EntryScope, item: OutboxItem): void {
  const stored = state.get(outboxEndKey);
  const sequence = stored === undefined ? 0 : decode(integer, stored);
  state.put(outboxKey(sequence), encode(outboxItemCodec, item));
  state.put(outboxEndKey, encode(integer, sequence + 1));
}

/** Idempotent. */
export function settleDrop(state: StateWriter, sequence: number): void {
  state.remove(outboxKey(sequence));
}
