import type { Random } from "@holdfast/base";
import { GiB, MiB } from "@holdfast/base";
import type { Clock, Disk, Hashing, Journal, KeyValue, Metrics } from "@holdfast/ports";
import { silentMetrics } from "@holdfast/ports";
import type { FrameSizes } from "./block-frames.ts";
import { BlockFrames } from "./block-frames.ts";
import { BlockIndex } from "./block-index.ts";
import { BlockMetrics } from "./block-metrics.ts";
import type { BlockStore } from "./block-store.ts";
import { VolumeBlockStore } from "./block-store.ts";
import { GroupWriter } from "./group-writer.ts";
import { ReadHistory } from "./read-history.ts";
import { recover } from "./recovery.ts";
import { VolumeFiles } from "./volume-files.ts";
import { watchBlocks } from "./watch-blocks.ts";

export interface BlockStoreOptions {
  readonly disk: Disk;
  /** The store's alone; a cache that may be lost. Stays open when the block store is closed. */
  readonly index: KeyValue;
  readonly clock: Clock;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly metrics?: Metrics;
  /** Of the data directory; made if it is not there. */
  readonly folder: string;
  readonly volumeBytesMax?: number;
  /** Bodies that share one write and one sync. */
  readonly groupBytesMax?: number;
  /** Bodies that wait to be written; puts beyond wait before they are queued. */
  readonly queueBytesMax?: number;
  /** Index changes that are gathered in memory for one batch. */
  readonly indexFlushBytes?: number;
  /** Bodies that recovery and compaction hold at once. */
  readonly copyBytesMax?: number;
  readonly frameSizes?: FrameSizes;
  readonly filesOpenMax?: number;
}

/**
 * Opens the folder, or makes it. Resolves when everything that can be read is durable and in the index (S8). Throws
 * BlockError when a newer program or another store wrote what is there, or when the tail cannot be made durable.
 */
export async function openBlockStore(options: BlockStoreOptions): Promise<BlockStore> {
  const { disk, folder, hashing, journal, random, clock } = options;
  const {
    volumeBytesMax = 4 * GiB,
    groupBytesMax = 8 * MiB,
    queueBytesMax = 64 * MiB,
    indexFlushBytes = 4 * MiB,
    copyBytesMax = 8 * MiB,
    filesOpenMax = 64,
  } = options;
  await makeDurableFolder(disk, folder);
  const index = new BlockIndex(options.index, hashing);
  const files = new VolumeFiles(disk, folder, filesOpenMax);
  const frames = new BlockFrames(disk.memory, options.frameSizes);
  const history = new ReadHistory();
  const metrics = new BlockMetrics(options.metrics ?? silentMetrics);
  const ports = { disk, clock, random, hashing, journal, metrics, folder };
  const writer = new GroupWriter({
    ...ports,
    index,
    frames,
    volumeBytesMax,
    groupBytesMax,
    queueBytesMax,
    indexFlushBytes,
  });
  try {
    const shared = { files, frames, history, writer, copyBytesMax, metrics };
    const recovery = await recover({ ...ports, ...shared, index, indexFlushBytes });
    const parts = { ...options, ...shared, blockIndex: index, recovery };
    const store = new VolumeBlockStore(parts);
    watchBlocks(options.metrics ?? silentMetrics, store);
    return store;
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function makeDurableFolder(disk: Disk, folder: string): Promise<void> {
  await disk.makeFolder(folder);
  const names = folder.split("/");
  // Each name is durable when the folder that holds it is synced.
  for (let depth = names.length - 1; depth >= 0; depth--)
    await disk.syncDirectory(names.slice(0, depth).join("/"));
}
