import type { BlockId, Epoch } from "@holdfast/base";
import { blockIdText } from "@holdfast/base";
import type { BlockFrames, BlockStore, StoredBlock } from "@holdfast/blocks";
import { BlockError } from "@holdfast/blocks";
import type { FileBlocks, StoringFileBlock } from "./file-blocks.ts";

/** Blocks of a node that stands alone: it is every slot of every layout, so that what it holds is proof under today's. */
export class LocalFileBlocks implements FileBlocks {
  readonly frames: BlockFrames;
  readonly #store: BlockStore;
  readonly #currentEpoch: () => Epoch;

  constructor(store: BlockStore, currentEpoch: () => Epoch) {
    this.frames = store.frames;
    this.#store = store;
    this.#currentEpoch = currentEpoch;
  }

  put(id: BlockId, body: Uint8Array, crc32: number): StoringFileBlock {
    // Taken before: a layout that comes meanwhile may have been listed for already.
    const epoch = this.#currentEpoch();
    const durable = this.#store.put(id, body, crc32).then(() => epoch);
    const settled = durable.then(
      () => undefined,
      () => undefined, // `durable` tells of it.
    );
    return { durable, settled };
  }

  read(id: BlockId): Promise<StoredBlock> {
    return this.#store.read(id);
  }

  async confirm(ids: Iterable<BlockId>): Promise<Epoch> {
    const epoch = this.#currentEpoch();
    for (const id of ids)
      if (!this.#store.has(id)) throw new BlockError("missing", `no block ${blockIdText(id)} here`);
    return Promise.resolve(epoch);
  }
}
