import type { Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import type { BlockStore } from "./block-store.ts";

export function watchBlocks(metrics: Metrics, blocks: BlockStore): void {
  metrics.watch(allMetrics.blockQueueBytes, {}, () => blocks.health().queuedBytes);
  metrics.watch(allMetrics.blockCount, {}, () => blocks.usage().blocks);
  metrics.watch(allMetrics.blockLiveBytes, {}, () => blocks.usage().liveBytes);
  metrics.watch(allMetrics.blockDeadBytes, {}, () => blocks.usage().deadBytes);
  metrics.watch(allMetrics.blockVolumes, {}, () => blocks.usage().volumes);
}
