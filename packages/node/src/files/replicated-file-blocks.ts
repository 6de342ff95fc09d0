import type { BlockId, Epoch } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { BlockFrames, StoredBlock } from "@holdfast/blocks";
import type { Redundancy } from "@holdfast/namespace";
import type { ReplicatedBlocks } from "../replication/replicated-blocks.ts";
import type { FileBlocks, StoringFileBlock } from "./file-blocks.ts";

/** Blocks of a node in a cluster: replicas:n in n slots each. Erasure coding is not built: refused with "NotImplemented". */
export class ReplicatedFileBlocks implements FileBlocks {
  readonly #blocks: ReplicatedBlocks;
  readonly #currentEpoch: () => Epoch;

  constructor(blocks: ReplicatedBlocks, currentEpoch: () => Epoch) {
    this.#blocks = blocks;
    this.#currentEpoch = currentEpoch;
  }

  get frames(): BlockFrames {
    return this.#blocks.frames;
  }

  put(id: BlockId, body: Uint8Array, crc32: number, redundancy: Redundancy): StoringFileBlock {
    if (!isReplicated(redundancy))
      return { durable: Promise.reject(notImplemented()), settled: Promise.resolve() };
    const { durable, settled } = this.#blocks.put(id, body, crc32, widthOf(redundancy));
    return { durable: durable.then(({ epoch }) => epoch), settled };
  }

  async read(id: BlockId, redundancy: Redundancy): Promise<StoredBlock> {
    return this.#blocks.read(id, widthOf(redundancy));
  }

  async confirm(ids: Iterable<BlockId>, redundancy: Redundancy): Promise<Epoch> {
    const today = this.#currentEpoch();
    return (await this.#blocks.confirm(ids, widthOf(redundancy))) ?? today;
  }
}

function isReplicated({ dataFragments }: Redundancy): boolean {
  return dataFragments === 1;
}

/** The number of slots. */
function widthOf(redundancy: Redundancy): number {
  if (!isReplicated(redundancy)) throw notImplemented();
  return redundancy.dataFragments + redundancy.parityFragments;
}

function notImplemented(): StoreError {
  return new StoreError("NotImplemented", "Erasure coding is not implemented yet. Use replicas:N.");
}
