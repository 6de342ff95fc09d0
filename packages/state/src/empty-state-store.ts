import type { KeyValue, Mutation } from "@holdfast/ports";

/** Removed at once. */
const batchPairs = 1000;

/**
 * Removes the states of all groups, with everything that is recorded of them, durably; to be called before a StateStore is made of it. A
 * crash leaves any part of it: the caller has to know that, and to begin anew.
 */
export async function emptyStateStore(store: KeyValue): Promise<void> {
  for (let batch = firstPairs(store); batch.length > 0; batch = firstPairs(store)) await store.write(batch);
  await store.flush();
}

function firstPairs(store: KeyValue): readonly Mutation[] {
  const found = store.range({ from: Uint8Array.of(0), limit: batchPairs });
  return Array.from(found, ({ key }) => ({ key: key.slice(), value: undefined }));
}
