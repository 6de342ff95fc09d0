/**
 * Where the blocks of files are: in this node's store alone (local-file-blocks.ts), or in slots on several nodes
 * (replicated-file-blocks.ts). Files know no more of it than this.
 */

import type { BlockId, Epoch } from "@holdfast/base";
import type { BlockFrames, StoredBlock } from "@holdfast/blocks";
import type { Redundancy } from "@holdfast/namespace";

/** A block on its way into the store. */
export interface StoringFileBlock {
  /** The evidence (S3): the layout's epoch under which it counts as stored. Rejects with BlockError or StoreError, nothing applied. */
  readonly durable: Promise<Epoch>;
  /** When nobody reads the body any more; only then may it be changed or recycled. Behind `durable`, whatever became of it. */
  readonly settled: Promise<void>;
}

export interface FileBlocks {
  /** Where bodies to be stored are gathered, and where those lie that were read. */
  readonly frames: BlockFrames;
  /** `crc32` is the body's, as its writer computed it. */
  put(id: BlockId, body: Uint8Array, crc32: number, redundancy: Redundancy): StoringFileBlock;
  /**
   * Verified. The body may be recycled, or left. Rejects with BlockError, or StoreError "Unavailable" when no slot gave it:
   * neither says that the content is gone, only its home shard can (S6).
   */
  read(id: BlockId, redundancy: Redundancy): Promise<StoredBlock>;
  /**
   * Makes sure that blocks which were stored under an earlier layout count as stored under today's (S3), and resolves with
   * the lowest epoch of the evidence; of no blocks, with today's. Rejects as `put` does.
   */
  confirm(ids: Iterable<BlockId>, redundancy: Redundancy): Promise<Epoch>;
}
