/** The blocks of one stream on their way into the store, and what proves that they are there (S3). */

import type { BlockId, ContentId, Epoch } from "@holdfast/base";
import { epoch } from "@holdfast/base";
import type { Redundancy } from "@holdfast/namespace";
import type { StoringBlock } from "../content/receive.ts";
import { blockFailure } from "./block-failure.ts";
import type { FilesContext } from "./context.ts";

export interface StreamName {
  /** Names the blocks: home shard, writer and attempt of the stream (S1). */
  readonly content: ContentId;
  readonly part: number;
  readonly redundancy: Redundancy;
}

export class StreamBlocks {
  readonly #context: FilesContext;
  readonly #name: StreamName;
  /** Blocks that were handed over: their sequences are 0 up to here. */
  #count = 0;
  #lowest: Epoch | undefined;

  constructor(context: FilesContext, name: StreamName) {
    this.#context = context;
    this.#name = name;
  }

  store(sequence: number, block: Uint8Array, crc32: number): StoringBlock {
    this.#count = Math.max(this.#count, sequence + 1);
    const settled = Promise.withResolvers<void>();
    return { durable: this.#store(sequence, block, crc32, settled), settled: settled.promise };
  }

  /** The lowest epoch of all blocks' evidence: to be asked for when all are durable. A stream without blocks needs no proof. */
  async evidence(): Promise<Epoch> {
    return this.#lowest ?? (await this.confirm());
  }

  /** As `FileBlocks.confirm`, of all blocks of the stream. */
  async confirm(): Promise<Epoch> {
    try {
      return await this.#context.blocks.confirm(this.#ids(), this.#name.redundancy);
    } catch (cause) {
      throw blockFailure(cause);
    }
  }

  async #store(
    sequence: number,
    block: Uint8Array,
    crc32: number,
    settled: PromiseWithResolvers<void>,
  ): Promise<void> {
    const { admission, blocks } = this.#context;
    try {
      await admission.admit(block.length);
    } catch (error) {
      settled.resolve();
      throw error;
    }
    const storing = blocks.put(this.#id(sequence), block, crc32, this.#name.redundancy);
    settled.resolve(storing.settled);
    try {
      const evidence = await storing.durable;
      this.#lowest = epoch(Math.min(this.#lowest ?? evidence, evidence));
    } catch (cause) {
      throw blockFailure(cause);
    }
  }

  #id(sequence: number): BlockId {
    const { content, part } = this.#name;
    return { content, part, sequence, salt: 0 };
  }

  *#ids(): Generator<BlockId, void, undefined> {
    for (let sequence = 0; sequence < this.#count; sequence++) yield this.#id(sequence);
  }
}
